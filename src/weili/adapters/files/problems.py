"""Why a file can't be read as a sheet."""

from weili.kit.problems import Kind, Problem


class SheetProblem(Problem):
    """A file can't be read as a sheet, for whatever reason."""


class SheetNotASheet(SheetProblem):
    """The file is neither csv text nor a workbook."""

    kind = Kind.INVALID
    code = "sheet_not_a_sheet"
    en = "{file} can't be read as a sheet: {why}. Save it as xlsx, or as csv in UTF-8."
    zh = "无法将 {file} 作为表格读取：{why}。请另存为 xlsx，或 UTF-8 编码的 csv。"


class SheetNoText(SheetProblem):
    """The file's bytes are text in none of the encodings that are tried."""

    kind = Kind.INVALID
    code = "sheet_no_text"
    en = "{file} is not text in any of {encodings}; save it as csv in UTF-8."
    zh = "{file} 不是 {encodings} 中任何一种编码的文本；请另存为 UTF-8 编码的 csv。"


class SheetColumnMissing(SheetProblem):
    """The header lacks columns that can't be done without."""

    kind = Kind.INVALID
    code = "sheet_column_missing"
    en = "{file} lacks the column(s) {columns} in its first row, which has: {found}."
    zh = "{file} 的首行缺少列 {columns}；首行现有：{found}。"


class SheetColumnTwice(SheetProblem):
    """Two columns of the header mean the same."""

    kind = Kind.INVALID
    code = "sheet_column_twice"
    en = "{file} has the column {column} twice, as {headings}; remove or rename one."
    zh = "{file} 中列 {column} 重复出现（{headings}）；请删除或改名其中一列。"


class SheetTooLarge(SheetProblem):
    """The workbook is larger than can be read into memory."""

    kind = Kind.TOO_LARGE
    code = "sheet_too_large"
    en = "{file} is larger than {bytes_max} bytes ({what}); save it as csv, or split it."
    zh = "{file} 超过 {bytes_max} 字节（{what}）；请另存为 csv 或拆分。"


class SheetCellsTooMany(SheetProblem):
    """The workbook reaches over more rows and columns than can be read into memory."""

    kind = Kind.TOO_LARGE
    code = "sheet_cells_too_many"
    en = (
        "A sheet of {file} reaches over more than {cells_max} cells; remove what stands far to "
        "the right or far below, save it as csv, or split it."
    )
    zh = "{file} 中有工作表的范围超过 {cells_max} 个单元格；请删除远处的内容、另存为 csv 或拆分。"


class SheetBroken(SheetProblem):
    """The text stops being csv at some row."""

    kind = Kind.INVALID
    code = "sheet_broken"
    en = "{file} is not well-formed csv after row {row}: {why}."
    zh = "{file} 在第 {row} 行之后不是格式正确的 csv：{why}。"
