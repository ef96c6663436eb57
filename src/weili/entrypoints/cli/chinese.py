"""The command line's help and usage errors in Chinese; imported only by who reads Chinese.

The sources carry English, which is also what the reference is written from; here stands what each
text says in Chinese, found by the English. A test holds the two together.
"""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Protocol, cast

import typer
from typer.main import get_command

_OPTIONS: Final = "[选项]"
_COMMAND: Final = "命令 [参数]..."
_USAGE: Final = "用法："
_HELP: Final = "显示本帮助并退出。"
_WRONG: Final = "命令的写法有误；请用 --help 查看用法。"

TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Weili: an open supply platform for social commerce.": (
            "微力：面向社交电商的开放供应链平台。"
        ),
        "Say which version.": "显示版本。",
        "Install completion for the current shell.": "为当前 shell 安装命令补全。",
        "People of parties, and how they sign in.": "各主体的人员及其登录方式。",
        "Their e-mail address.": "人员的邮箱地址。",
        "Their name.": "人员的姓名。",
        "What they do; depends on the party's kind.": "人员的岗位；可选范围取决于主体的类型。",
        "Add someone who works for a party. They sign in once they have a password.": (
            "为主体添加人员；设置密码后即可登录。"
        ),
        "Remove the second factor of someone who lost both their telephone and their codes.": (
            "移除人员的动态验证：用于手机与恢复码均已丢失的情形。"
        ),
        "Make the link by which someone sets their password, once, within seven days.": (
            "生成供人员设置密码的链接：七天内有效，仅可使用一次。"
        ),
        "List a party's people, their e-mail addresses masked.": "列出主体的人员，邮箱已脱敏。",
        "Set someone's password, asked for here or read from standard input; their sessions end.": (
            "设置人员的密码（在此输入或从标准输入读取）；其已有会话随即结束。"
        ),
        "The list of areas.": "行政区划表。",
        "Bring the list to the installed edition and say what changed; again changes nothing.": (
            "将行政区划表更新为已安装的版本并列出变化；重复执行不产生变化。"
        ),
        "Say where files have our columns, once for all.": (
            "保存列映射：文件中的列与本系统列的对应关系。"
        ),
        "List a supplier's warehouses by the codes that sheets name, and what they serve.": (
            "列出供应商的仓库：表格中所用的编码、名称与覆盖地区。"
        ),
        "List data of the embedded PostgreSQL whose home is gone; only as root can there be any. "
        "A home that was moved and not started since looks gone too, and so does one on a disc "
        "that is not mounted.": (
            "列出原目录已不存在的自带 PostgreSQL 数据（仅以超级用户运行时才会有）。\n\n"
            "移动后尚未启动过的目录，以及未挂载磁盘上的目录，也会显示为不存在。"
        ),
        "List the tables that are cut by time: what lies in each partition, and what was taken "
        "out. A partition is named by the last month, or the last position, that it holds.": (
            "列出按时间分区的表：各分区的数据量，以及已移出的分区。\n\n"
            "分区以其所含的最后一个月或最后一个位置命名。"
        ),
        "The partition, as `weili db partitions` names it.": (
            "分区名称，由 `weili db partitions` 列出。"
        ),
        "Take old rows out of the database into a file, once every order until then has ended. "
        "The file is the only place where they are then: keep it as you keep back-ups. What "
        "`weili verify` holds the books against stays, and so do messages that nobody has "
        "acknowledged.": (
            "将旧数据移出数据库并写入文件；此前的订单须已全部结束。\n\n"
            "此后这些行只存在于该文件中，请像备份一样保管。`weili verify` 核对所需的合计"
            "及尚未确认的消息留在库中。"
        ),
        "The file that the rows were written into.": "移出时写入的文件。",
        "Put rows back into the database that they were taken out of.": "将行放回其移出的数据库。",
        "The ids, as `weili db leftovers` gives them.": "`weili db leftovers` 列出的编号。",
        "Delete them for good, unasked.": "直接永久删除，不再确认。",
        "Delete data of the embedded PostgreSQL whose home is gone, for good.": (
            "永久删除原目录已不存在的自带 PostgreSQL 数据。"
        ),
        "List all categories, each as it is written in a sheet.": (
            "列出全部类目，写法与表格中相同。"
        ),
        "The category, from the top: A > B > C.": "类目的完整路径（自一级起），如 A > B > C。",
        "Make a category, and those above it that are missing; one that is there stays.": (
            "新建类目及其缺少的上级类目；已有的保持不变。"
        ),
        "The saved mapping that says where the file has our columns.": "已保存的列映射名称。",
        "Whose mapping it is; the operator's if left out.": (
            "列映射所属的供应商；省略则属于运营方。"
        ),
        "The mapping's name.": "列映射名称。",
        "Whose listings they are.": "商品所属的供应商。",
        "Price lists.": "价格表。",
        "The price list.": "价格表名称。",
        "When prices begin, where no column says.": "价格的生效时间（文件无此列时）。",
        "When prices end, where no column says.": "价格的失效时间（文件无此列时）。",
        "Say what it would do, and change nothing.": "仅预览结果，不作任何更改。",
        "Import prices of a list, by quantity and time: all rows or none.": (
            "导入价格表的阶梯价与分时价格：全部导入，或一行也不导入。"
        ),
        "Write down what a supplier proposes, each SPU as a draft: all rows or none.": (
            "将供应商表格中的商品写成送审草稿（每个 SPU 一份）：全部写入，或一行也不写入。"
        ),
        "The csv file to write.": "要写入的 csv 文件。",
        "Write a list's prices as csv, to be changed and imported again.": (
            "将价格表导出为 csv，修改后可再次导入。"
        ),
        "Import a file of many days: what listings cost, and had sold, day by day.": (
            "导入多日快照文件：逐日的价格与销量。"
        ),
        "The mapping as JSON.": "JSON 格式的列映射文件。",
        "Save a mapping under a name; one of that name is replaced.": (
            "保存列映射；同名的将被替换。"
        ),
        "List the saved mappings.": "列出已保存的列映射。",
        "Write a mapping as JSON, to be changed and saved again.": (
            "以 JSON 输出列映射，便于修改后再次保存。"
        ),
        "Remove a mapping.": "删除列映射。",
        "Show completion for the current shell, to copy it or customize the installation.": (
            "显示当前 shell 的补全脚本，以便复制或自行安装。"
        ),
        "Start everything, keep it running until Ctrl-C, and say what to open.": (
            "启动全部服务并保持运行，直至按下 Ctrl-C；并提示访问地址。"
        ),
        "Serve the HTTP API: one process, logs as JSON on standard error.": (
            "提供 HTTP 接口：单进程运行，日志以 JSON 写到标准错误。"
        ),
        "Place a world's orders for the server that started this process, until it closes the "
        "link.": "为启动本进程的服务处理某一环境的下单，直至其关闭连接。",
        "Look things up for the server that started this process, until it closes the link.": (
            "为启动本进程的服务处理某一环境的查询，直至其关闭连接。"
        ),
        "Do what happens behind the API: relay, jobs, deadlines, errands to suppliers.": (
            "处理后台事务：事件投递、任务、到期处理、向供应商派单。"
        ),
        "Say what runs, and how far each world's database is. Changes and starts nothing. "
        "A server is looked for where WEILI_HOST and WEILI_PORT say, a worker among those who are "
        "connected to the database.": (
            "显示运行状况与各环境的数据库版本；不启动、不更改任何内容。\n\n"
            "接口服务按 WEILI_HOST 与 WEILI_PORT 所指的地址查询，后台进程按数据库连接查询。"
        ),
        "Write JSON, for scripts.": "输出 JSON，供脚本读取。",
        "Check every invariant of a world on one snapshot; ends with 1 when something is broken. "
        "It looks only, so an embedded server that is stopped stays so.": (
            "在同一快照上核对一个环境的全部约束；发现问题时退出码为 1。\n\n"
            "该命令只读取，不会启动已停止的自带数据库。"
        ),
        "The world to work in, where WEILI_WORLDS names several.": (
            "要操作的环境；WEILI_WORLDS 列有多个时必填。"
        ),
        "Trade a sample world from catalogue to statements, then verify it.": (
            "在示例环境中演示从商品目录到对账单的全过程，并核对结果。"
        ),
        "Kill what runs, at random, under load, and prove that no order was lost or doubled.": (
            "在负载下随机终止各进程，并证明没有订单丢失或重复。"
        ),
        "Kill what runs, at random, under load, and prove that no order was lost or doubled. "
        "Works on a state folder of its own, with `weili up` and its own database; they are "
        "removed at the end, unless something is wrong. Ends with 1 if anything is.": (
            "在负载下随机终止各进程，并证明没有订单丢失或重复。\n\n"
            "使用独立的数据目录，其中运行 `weili up` 及其数据库；结束时清除，发现问题则保留现场，"
            "退出码为 1。"
        ),
        "How many kills; other faults come on top.": "终止进程的次数；其他故障另计。",
        "What is hit, and when, follows from it; so do the orders.": (
            "随机种子，决定终止哪个进程、何时终止，以及下哪些订单。"
        ),
        "Write the generated references again.": "重新生成参考文档。",
        "Bring in what others have in files.": "从文件导入数据。",
        "Import a supplier's goods with costs, prices and stock: all rows or none.": (
            "导入供应商的商品及其成本、价格与库存：全部导入，或一行也不导入。"
        ),
        "The search index of this machine.": "本机的搜索索引。",
        "Build the index anew from the database; the one that is there serves until then.": (
            "由数据库重建搜索索引；完成之前沿用现有索引。"
        ),
        "A csv or xlsx sheet.": "CSV 或 XLSX 表格。",
        "Whose goods they are, where no column says.": "表中没有供应商列时，商品所属的供应商。",
        "Leave wrong rows out instead of refusing all.": "跳过错误行，而不是全部拒绝。",
        "The pool they go into.": "商品放入的商品池。",
        "The list their prices go to.": "价格写入的价格表。",
        "The operator's own party.": "运营方主体。",
        "Open the operator's party; one of that name is taken as it is.": (
            "开通运营方主体；同名主体已存在时沿用。"
        ),
        "What it is called here.": "在本平台使用的名称。",
        "As on the licence.": "营业执照上的名称。",
        "Unified social credit code.": "统一社会信用代码。",
        "Partners: who sells our goods.": "渠道商：销售平台商品的一方。",
        "Open a partner with a prepaid account; one of that name is given what it lacks.": (
            "开通渠道商及其预存款账户；同名渠道商已存在时补齐所缺部分。"
        ),
        "Its own price list, if it has one.": "专用价格表（如有）。",
        "A pool it may order from; may be repeated.": "可采购的商品池；可多次指定。",
        "List partners with what they have in their prepaid accounts, in yuan.": (
            "列出渠道商及其预存款可用余额（元）。"
        ),
        "Book a payment into a partner's prepaid account.": "为渠道商的预存款账户入账一笔充值。",
        "The party's name.": "主体名称。",
        "In yuan, with at most two decimals: 5000.00": "单位为元，最多两位小数，如 5000.00",
        "The bank's reference; the same one counts once.": "银行流水号；同一流水号只入账一次。",
        "Suppliers: whose goods are sold.": "供应商：提供商品的一方。",
        "Open a supplier; one of that name is taken as it is.": (
            "开通供应商；同名供应商已存在时沿用。"
        ),
        "List suppliers with what they are owed, in yuan.": "列出供应商及其应付余额（元）。",
        "Say where a supplier's own system is; from then on orders are sent there.": (
            "设置供应商自有系统的地址；此后订单发往该处。"
        ),
        "Where the supplier's own system takes orders.": "供应商系统接收订单的地址。",
        "What requests to it are signed with.": "对发往该系统的请求签名所用的密钥。",
        "Secret": "签名密钥",
        "Keys of parties, and the key ring.": "主体的密钥，以及密钥环。",
        "Issue a key. Its secret is shown once, now.": "签发密钥；密钥内容仅在此时显示一次。",
        "The party's id (pty_…) or its name.": "主体编号（pty_…）或名称。",
        "What the key is for.": "密钥的用途。",
        "hmac (signed requests) or bearer (sandboxes only).": (
            "hmac（对请求签名）或 bearer（仅限沙箱环境）。"
        ),
        "What it may do; may be repeated. All of its role's but people:write, if none.": (
            "授予的权限，可多次指定；不指定时为其角色除人员管理以外的全部权限。"
        ),
        "List a party's keys, without their secrets.": "列出主体的密钥，不含密钥内容。",
        "Revoke a key for good; it is refused within a few seconds.": (
            "永久吊销密钥；数秒内即被拒绝。"
        ),
        "The key's id (key_…).": "密钥编号（key_…）。",
        "Why; goes into the audit log.": "原因；记入审计日志。",
        "Make the key ring of a new deployment; one that is there stays as it is.": (
            "为全新部署生成密钥环；已有密钥环保持不变。"
        ),
        "Put a new key on the ring, which seals from now on; the older keys still open. "
        "What is sealed already stays as it is. Refused while `weili up` runs here.": (
            "为密钥环新增一把密钥，此后的数据用它加密；旧密钥仍可解密。\n\n"
            "已加密的数据保持不变。`weili up` 在本机运行时拒绝执行。"
        ),
        "The clock of a sandbox world.": "沙箱环境的时钟。",
        "Turn a sandbox's clock ahead, so that deadlines act without waiting for them.": (
            "把沙箱时钟向前拨，使到期处理无需等待即可发生。"
        ),
        "How far ahead: 90s, 30m, 12h or 8d.": "向前拨多久：如 90s、30m、12h 或 8d。",
        "The databases' shape, and their back-ups.": "数据库的版本与备份。",
        "Make the databases and bring them to the shape that this version needs.": (
            "创建数据库，并升级到本版本所需的结构。"
        ),
        "Say at which step each database is, and which one this version needs.": (
            "显示各数据库的当前版本与本版本所需的版本。"
        ),
        "Write a world's database and the key ring into one file, as of one moment. "
        "Whoever has the file can read everything, personal data too. Keep it accordingly.": (
            "把一个环境同一时刻的数据库与密钥环写入一个文件。\n\n"
            "持有该文件即可读取全部内容，包括个人信息；请妥善保管。"
        ),
        "The file to write; readable by you alone.": "要写入的文件；仅本人可读。",
        "Put a world's database and key ring back from a file.": (
            "从文件恢复一个环境的数据库与密钥环。"
        ),
        "A back-up.": "备份文件。",
        "Replace a database, or a key ring, that is there.": "替换已存在的数据库或密钥环。",
        "Write figures for alarms to the output, in the text format of Prometheus.": (
            "以 Prometheus 文本格式输出告警所需的各项数值。"
        ),
        "An archive whose age is told too.": "同时给出其时效的归档文件夹。",
        "The archive's folder.": "归档文件夹。",
        "Receive what the embedded server logs into an archive, until told to stop. "
        "The key ring is kept beside it: whoever has the folder can read everything, personal "
        "data too.": (
            "持续接收自带数据库的日志并写入归档，直到被要求停止。\n\n"
            "密钥环一并保存：持有该文件夹即可读取全部内容，包括个人信息。"
        ),
        "Add a whole, checked copy of the embedded server to an archive, while Weili trades.": (
            "在不停业的情况下为归档增加一份自带数据库的全量备份，并加以检查。"
        ),
        "Delete all but so many newest copies.": "只保留最新的若干份全量备份。",
        "Bring the embedded server, all its worlds, and the key ring to a moment of an archive.": (
            "把自带数据库（含全部环境）与密钥环恢复到归档中的某一时刻。"
        ),
        "The moment, with its zone: 2026-11-28T19:30:00+08:00. If not said, the last.": (
            "时刻，须带时区：2026-11-28T19:30:00+08:00。不填则恢复到最后。"
        ),
        "Trade a sample world from catalogue to statements over HTTP, then verify it. "
        "Works in a database, a server and a worker of its own, which are removed at the end. "
        "Ends with 1 if anything is off.": (
            "通过 HTTP 在示例环境中演示从商品目录到对账单的全过程，并核对结果。\n\n"
            "使用独立的数据库、服务与后台进程，结束时全部清除。有任何不符时退出码为 1。"
        ),
        "A csv or xlsx sheet of goods, or the folder of a litemall export; without it the "
        "catalogue that is shipped.": (
            "商品表格（CSV 或 XLSX），或 litemall 导出的目录；不指定时使用自带的商品目录。"
        ),
        "How many sound orders; some others come on top.": (
            "正常订单的数量；另会附加一些异常订单。"
        ),
        "What is attempted follows from it.": "随机种子，决定演示的内容。",
        "Write all figures as JSON.": "以 JSON 输出全部数字。",
        "Write the references that are derived from the code.": "生成由代码得出的参考文档。",
        "Write nothing; exit with 1 when a reference is stale.": (
            "不写入任何文件；有文档过期时退出码为 1。"
        ),
        "The folder to write to; docs/reference of the checkout.": (
            "写入的目录；默认为代码库中的 docs/reference。"
        ),
        "The supplier for whom it is done.": ("代为操作的供应商名称。"),
        "What lies in a supplier's warehouses.": ("供应商各仓库的库存。"),
        "The supplier's own code of the warehouse.": ("供应商自己的仓库编码。"),
        "How many at most.": ("最多列出多少条。"),
        "Where to go on: what the list before ended with.": ("续查位置：上一页末尾给出的游标。"),
        "Set stock to what a sheet says was counted: all rows or none. "
        "Its columns are supplier_code, warehouse, on_hand and, where it is to change, safety.": (
            "按表格中的盘点数设置库存：全部设置，或一行也不设置。\n\n表格的列为商品编码、仓库、库存，需要修改时另加安全库存。"
        ),
        "Show what lies in a warehouse, and how much of it is promised.": (
            "显示仓库的在库数量与已占用数量。"
        ),
        "one of draft, in_review, published, withdrawn": (
            "可选 draft、in_review、published、withdrawn"
        ),
        "at most 100 proposals at once": "一次最多 100 份送审单",
        "a reason of 1 to 200 characters": "原因须为 1 至 200 个字符",
        "Review and publish suppliers' goods.": "审核并发布供应商的商品。",
        "The proposal's id (rev_…).": "送审单编号（rev_…）。",
        "The proposals' ids (rev_…).": "送审单编号（rev_…），可给出多个。",
        "The supplier's own codes of the SKUs.": "供应商自己的 SKU 编码，可给出多个。",
        "Whose goods they are.": "商品所属的供应商。",
        "draft, in_review, published or withdrawn.": (
            "送审单状态：`draft`（草稿）、`in_review`（审核中）、`published`（已发布）或 "
            "`withdrawn`（已撤回）。"
        ),
        "Only this supplier's; of all if left out.": "只列出该供应商的；不指定时列出全部。",
        "List what suppliers propose, the oldest first; what waits for review if no state is "
        "named.": "列出供应商的送审单，最早的在前；不指定状态时列出待审核的。",
        "Show a proposal: its SKUs with their costs, and what it went through.": (
            "显示送审单：其 SKU、供货价与审核经过。"
        ),
        "Hand a supplier's drafts in for review, each by itself; what is unfit stays a draft.": (
            "代供应商将草稿送审，逐份处理；未通过校验的仍为草稿。"
        ),
        "What the supplier is to mend.": "需要供应商修改的内容。",
        "Send a proposal back to its supplier, which is told why.": (
            "将送审单退回供应商，并告知原因。"
        ),
        "Publish proposals with their costs, each whole or not at all; new SKUs go on the shelf.": (
            "发布送审单及其供货价，每份整体生效或完全不生效；新 SKU 随即上架。"
        ),
        "Take them off the shelf instead.": "改为下架。",
        "Put SKUs on the shelf or take them off it, all of them or none; again changes nothing.": (
            "将 SKU 上架或下架，全部变更或完全不变更；重复执行不产生变化。"
        ),
        "What a supplier does with its child orders.": ("供应商对子单的操作。"),
        "Print for the warehouse.": ("打印仓库单据。"),
        "The child order's id (chd_…).": ("子单编号（chd_…）。"),
        "The child orders' ids (chd_…).": ("子单编号（chd_…），可给出多个。"),
        "Pieces of a line, as 1=2; may be repeated. All left if none.": (
            "某一行的件数，如 1=2；可多次指定。不指定时为全部剩余件数。"
        ),
        "The PDF to write; one that is there is replaced.": ("要写入的 PDF 文件；已存在时覆盖。"),
        "List the child orders that a supplier has something to do for, the oldest first.": (
            "列出供应商待处理的子单，最早的在前。"
        ),
        "Say that the supplier will ship child orders; again changes nothing.": (
            "代供应商接单；重复执行不产生变化。"
        ),
        "Say that child orders are being picked: from now on they go where they were to go.": (
            "标记子单开始拣货；此后收货地址不可再改。"
        ),
        "The carrier's code, as SF.": ("承运商编码，如顺丰为 `SF`。"),
        "The waybill's number.": ("运单号。"),
        "Its name, with the code other alone.": ("承运商名称；仅当编码为 `other` 时填写。"),
        "Report a package that has left; the same waybill again changes nothing.": (
            "登记已发出的包裹；同一运单重复登记不产生变化。"
        ),
        "Say that a child order, or pieces of it, won't be sent by this supplier. "
        "Other warehouses are asked for them; what none has is refunded.": (
            "拒绝子单或其中部分商品。\n\n系统会改由其他仓库发货；各仓均无货的部分退款。"
        ),
        "From when on, as 2027-01-01T00:00+08:00; as soon as approved if left out.": (
            "生效时间，如 2027-01-01T00:00+08:00；省略则批准后立即生效。"
        ),
        "The supplier's own code of the SKU.": ("供应商自己的商品编码。"),
        "Ask for another cost of an SKU; the operator decides.": (
            "申请变更某个 SKU 的成本价，由运营方审核。"
        ),
        "Print what to fetch for the child orders that wait longest in a warehouse.": (
            "为仓库中等待最久的子单打印拣货单。"
        ),
        "Print masked waybills of child orders with their contents.": (
            "打印子单的隐私面单及其商品明细。"
        ),
        "a waybill number of letters, digits and dashes, up to 64": (
            "运单号应由字母、数字与短横线组成，最多 64 位"
        ),
        "each line once, as 1=2: two pieces of line 1": ("每行只写一次，如 1=2 表示第 1 行 2 件"),
        "at most 100 child orders at once": ("一次最多 100 个子单"),
        # What a command itself says of an argument that it can't use.
        "an amount in yuan with at most two decimals": "应为金额（元），最多两位小数",
        "a URL that begins with http:// or https://": "应为以 http:// 或 https:// 开头的 URL",
        "say 90s, 30m, 12h or 8d, up to ten years": "请写作 90s、30m、12h 或 8d，最长十年",
        "there is no checkout here; name a folder": "此处没有代码库；请指定目录",
        "--kind is hmac or bearer": "--kind 应为 hmac 或 bearer",
    }
)

_USAGE_ERRORS: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"Missing command\.", "请指定要执行的命令。"),
        (r"No such command '(.*?)'\. Did you mean (.*)\?", "没有命令 {0}；是否指 {1}？"),
        (r"No such command '(.*)'\.", "没有命令 {0}。"),
        (r"No such option: (\S+)", "没有选项 {0}。"),
        (r"Got unexpected extra argument(?:\(s\)|s)? \((.*)\)", "多余的参数：{0}。"),
        (r"Option '(.*)' requires an argument\.", "选项 {0} 需要一个值。"),
        (r"Option '(.*)' does not take a value\.", "选项 {0} 不接受值。"),
        (r"\w+ '(.*)' does not exist\.", "“{0}”不存在。"),
        (r"\w+ '(.*)' is a directory\.", "“{0}”是目录。"),
        (r"\w+ '(.*)' is a file\.", "“{0}”是文件。"),
        (r"\w+ '(.*)' is not readable\.", "“{0}”不可读取。"),
        (r"\w+ '(.*)' is not writable\.", "“{0}”不可写入。"),
        (r"Input should be a valid integer.*", "应为整数。"),
        (r"Input should be greater than or equal to (.*)", "应不小于 {0}。"),
        (r"Input should be less than or equal to (.*)", "应不大于 {0}。"),
    )
)

_TYPERS_OWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ARGUMENTS_PANEL_TITLE": "参数",
        "OPTIONS_PANEL_TITLE": "选项",
        "COMMANDS_PANEL_TITLE": "命令",
        "ERRORS_PANEL_TITLE": "错误",
        "DEFAULT_STRING": "[默认：{}]",
        "ENVVAR_STRING": "[环境变量：{}]",
        "REQUIRED_LONG_STRING": "[必填]",
        "ABORTED_TEXT": "已中止。",
        "RICH_HELP": "可用 [blue]'{command_path} {help_option}'[/] 查看帮助。",
    }
)
"""Constants of typer's own for what stands around our texts."""


# What typer and its own copy of click call these; the latter may not be imported by name.
_Command = Any
_Formatter = Any
_Frame = Any
_Option = Any


class _UsageError(Protocol):
    """What a usage error holds beside its message."""

    param: Any
    param_hint: str | Sequence[str] | None
    possibilities: Sequence[str] | None


class _Context(typer.Context):
    """Sees to it that help and usage errors are Chinese; what that takes is imported only then."""

    def make_formatter(self) -> "_Formatter":
        """Give the formatter of a help text or of a usage error, either of which is now shown."""
        _frame()
        if (option := self.command.get_help_option(self)) is not None:
            cast("_Option", option).help = _HELP
        formatter: _Formatter = super().make_formatter()
        formatter.write_usage = partial(formatter.write_usage, prefix=_USAGE)
        return formatter


def _frame() -> _Frame:
    """Put what typer itself writes around our texts into Chinese."""
    from typer import rich_utils

    for name, text in _TYPERS_OWN.items():
        setattr(rich_utils, name, text)
    return rich_utils


def command_of(app: typer.Typer) -> _Command:
    """Give an application's command with every text of it in Chinese."""
    command = get_command(app)
    _translate(command)
    return command


def listen(app: typer.Typer, *, prog_name: str, args: Sequence[str] | None) -> None:
    """Run a command line, and say in Chinese what can't be understood."""
    try:
        code = command_of(app)(args, prog_name=prog_name, standalone_mode=False)
    except typer.Abort:
        _frame().rich_abort_error()
        raise SystemExit(1) from None
    except typer.TyperException as error:
        _show(error)
        raise SystemExit(error.exit_code) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def usage_said(error: typer.TyperException) -> str:
    """Say what is wrong with a command line."""
    usage = cast("_UsageError", error)
    hint = getattr(usage, "param_hint", None)
    if hint is None and getattr(usage, "param", None) is not None:
        hint = usage.param.get_error_hint()
    name = hint if isinstance(hint, str) or hint is None else " / ".join(hint)
    # Its class is typer's private matter, but its name is what typer itself goes by.
    if type(error).__name__ == "MissingParameter":
        return f"缺少 {name}。" if name else _WRONG
    said = _message_said(error.message)
    if isinstance(error, typer.BadParameter) and name:
        return f"{name} 的值无效：{said}"
    if possible := getattr(usage, "possibilities", None):
        return f"{said}相近的选项：{'、'.join(sorted(possible))}。"
    return said


def _message_said(message: str) -> str:
    if message in TEXTS:
        return f"{TEXTS[message]}。"
    for pattern, text in _USAGE_ERRORS:
        if match := pattern.fullmatch(message):
            return text.format(*(part.replace("', '", "'、'") for part in match.groups()))
    return _WRONG


def _show(error: typer.TyperException) -> None:
    if type(error).__name__ != "NoArgsIsHelpError":
        said = usage_said(error)
        cast("Any", error).format_message = lambda: said
    _frame().rich_format_error(error)


def _translate(command: _Command) -> None:
    """Put a command and all below it into Chinese; a text that is not known stays as it is."""
    command.context_class = _Context
    command.options_metavar = _OPTIONS
    command.help = _text(command.help)
    command.short_help = _text(command.short_help)
    for parameter in command.params:
        parameter.help = _text(getattr(parameter, "help", None))
        if getattr(parameter, "prompt", None):
            parameter.prompt = _text(parameter.prompt)
    if hasattr(command, "commands"):
        command.subcommand_metavar = _COMMAND
        for child in command.commands.values():
            _translate(child)


def _text(english: str | None) -> str | None:
    return TEXTS.get(" ".join(english.split()), english) if english else english
