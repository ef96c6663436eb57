"""What taking parties in refuses."""

from typing import Final

from weili.kit.problems import Kind, Problem, Said

APPLICATION_WORD: Final = Said("application", "入驻申请", code="application")
DOCUMENT_WORD: Final = Said("document", "资质文件", code="document")
TERMS_WORD: Final = Said("version of the terms", "协议版本", code="terms")


class ApplicationIncomplete(Problem):
    """An application was submitted before all that is needed was filled in."""

    kind = Kind.UNPROCESSABLE
    code = "application_incomplete"
    en = "The application is not complete; nothing was submitted. See fields."
    zh = "申请尚不完整，未提交；详见 fields。"


class TermsOutdated(Problem):
    """Terms were accepted that are not the ones in force."""

    kind = Kind.CONFLICT
    code = "terms_outdated"
    en = "These are not the terms in force; read and accept the newest version."
    zh = "该协议并非现行版本；请阅读并接受最新版本。"


class DocumentsFull(Problem):
    """There are as many documents as there may be."""

    kind = Kind.CONFLICT
    code = "documents_full"
    en = "There are {bound} documents, those taken back included, the most there may be."
    zh = "资质文件（含已撤回的）已有 {bound} 份，达到上限。"


class DocumentUnfit(Problem):
    """A file of a document is a video, or its day is past."""

    kind = Kind.UNPROCESSABLE
    code = "document_unfit"
    en = "The document can't be taken: {why}."
    zh = "无法接收该资质文件：{why}。"
