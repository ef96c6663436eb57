"""Parts what a person pastes as one text: a name, a phone number and an address, in any order."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from weili.modules.regions.gazetteer import Gazetteer

_MOBILE: Final = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)")
_LANDLINE: Final = re.compile(r"(?<!\d)(0\d{2,3}-\d{7,8}(?:-\d{1,6})?)(?!\d)")
_LABEL: Final = (
    "收货人|收件人|联系人|姓名|手机号码|手机号|手机|联系电话|电话号码|电话|联系方式|"
    "所在地区|地区|详细地址|收货地址|收件地址|地址"
)
_LABELS: Final = re.compile(rf"(?:{_LABEL})(?:姓名)?\s*[:：]\s*")
_NAME_LABELLED: Final = re.compile(
    r"(?:收货人|收件人|联系人|姓名)(?:姓名)?\s*[:：]\s*([一-鿿·]{2,15})(?=[\s,，;；|]|$)"
)
_PARTS: Final = re.compile(r"[^\s,，;；|]+")
_NAME: Final = re.compile(r"[一-鿿]{2,4}")
_TITLES: Final = ("先生", "女士", "小姐")
# The commonest surnames; of two characters first.
_SURNAMES: Final = re.compile(
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|司徒|令狐|"
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁"
    "任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严"
    "覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒"
    "阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司"
    "卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝]"
)


@dataclass(frozen=True, slots=True)
class Parted:
    """The parts of a pasted text; what was not found is None."""

    name: str | None
    phone: str | None
    address: str


def paste_part(gazetteer: Gazetteer, text: str) -> Parted:
    """Tell name, phone and address in a text apart.

    A name is looked for only where a phone number or a label says that the text holds more than an
    address; a word that is a place's name is none.
    """
    clean = unicodedata.normalize("NFKC", text)
    name, phone = None, None
    if found := _NAME_LABELLED.search(clean):
        name = found[1]
        clean = clean[: found.start()] + "\n" + clean[found.end() :]
    if found := _MOBILE.search(clean) or _LANDLINE.search(clean):
        phone = found[1].replace(" ", "")
        if phone.startswith("1"):
            phone = phone.replace("-", "")
        clean = clean[: found.start()] + "\n" + clean[found.end() :]
    clean = _LABELS.sub("\n", clean)
    if name is None and phone is not None:
        for part in _PARTS.finditer(clean):
            if _is_name(gazetteer, part[0]):
                name = part[0]
                clean = clean[: part.start()] + "\n" + clean[part.end() :]
                break
    return Parted(name, phone, " ".join(clean.split()).strip(" ,，;；|"))


def _is_name(gazetteer: Gazetteer, word: str) -> bool:
    for title in _TITLES:
        if word.endswith(title) and len(word) > len(title):
            return _SURNAMES.match(word) is not None
    return (
        _NAME.fullmatch(word) is not None
        and _SURNAMES.match(word) is not None
        and word not in gazetteer.forms
    )
