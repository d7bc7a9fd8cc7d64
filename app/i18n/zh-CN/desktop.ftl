# 通用
back = 返回
cancel = 取消
close = 关闭
copied = 已复制
save = 保存
saved = 已保存
settings = 设置
you = 你
window-title-unread = Kinmesh（{ $unread }）

# 首次启动
onboarding-question = 大家怎么称呼你？
onboarding-promise = 无需账号，无需密码，只要一个名字。
onboarding-name = 你的名字
onboarding-start = 开始
onboarding-have-link = 我有加入链接
onboarding-have-archive = 我有归档文件
restore-title = 恢复全部内容
restore-sentence = 归档文件包含一台设备的密钥、联系人、房间和所有消息。此设备将以那台设备的身份继续。
restore-file = 归档文件，例如 ~/kinmesh-2026-11-21.age
restore-passphrase = 它的密码
restore-do = 导入
restore-done = { $conversations } 个会话、{ $entries } 条消息和更改、{ $people } 个人，以及你的密钥和设置都已在这里。

# 侧栏
me-cut-off = 已断开
me-online = 在此设备上在线
search-hint = 搜索联系人和房间
search-nothing = 没有找到。
section-rooms = 房间
section-chats = 聊天
section-nearby = 同一网络上的人
section-online = 在线
section-away = 联系人
section-members = 成员
section-more = 还有 { $count } 人：请搜索
lobby-offer = 网络上的所有人都可以在大厅相遇。
lobby-join = 加入大厅
nothing-open = 请在左侧选择一个对话，或输入名称加入房间。

# 对话
members-count = { $count } 名成员
room-subtitle = { $members }，{ $online } 人在线 · 公开房间
room-public = 公开房间
room-public-sentence = 知道名称的人都可以加入和阅读。
room-leave = 离开房间
room-left = 你已离开此房间
room-left-sentence = 你已离开此房间。历史记录保留在此设备上。
room-rejoin = 重新加入
room-join = 加入房间
room-join-do = 加入
room-join-sentence = 输入相同名称的人都在同一个房间。第一个人加入时房间即创建。
room-name = 房间名称
invite = 邀请他人
invite-sentence = 只要此设备可以连接，链接就会通向这个房间。
link-copy = 复制链接
link-copied = 链接已复制
conversation-empty-short = 还没有消息
conversation-empty-room = 还没有消息。打个招呼吧。
conversation-empty-chat = 与 { $name } 还没有消息。
conversation-empty-echo = 无论你写什么，Echo 都会回答，不需要任何网络。
composer-hint = 发消息给 { $title }
entry-unreadable = 这条消息需要更新版本的 Kinmesh。
log-later = { $count } 条新消息
new = 新消息
new-since = { $time } 之后的新消息
details = 详情
preview-me = 你：{ $text }
preview-other = { $name }：{ $text }
delivery-queued = 在此设备上排队
delivery-sent = 已发送给 { $members } 名成员
delivery-delivered = 已送达：已存入对方的磁盘
delivery-failed = 发送失败：{ $reason }
delivery-read = 已读
entry-deleted = 这条消息已删除。
quote-missing = 这里还没有被回复的消息。
gap = 这里缺少内容，联系上有这些内容的人后会补上。
edited = 已编辑
edits-show = 之前的内容
edits-title = 这条消息的所有版本
log-latest = 跳到最新
reply = 回复
react = 表情回应
react-any = 其他表情，按回车
more = 更多
copy = 复制
edit = 编辑
delete = 删除
delete-everyone = 为所有人删除
delete-ask = 为所有人删除？
delete-sentence = 有这条消息的人得知后会立即清除。已经读过的人已经读过了。
composer-reply = 回复 { $name }
composer-edit = 编辑消息
composer-leave = 放弃（Esc）
and-more = 还有 { $count } 人
typing-one = { $name } 正在输入…
typing-two = { $a } 和 { $b } 正在输入…
typing-many = { $count } 人正在输入…
waiting-offline = { $count } 条等待发送：{ $name } 自 { $since } 起离线，你们再次相遇时发出。
waiting-connecting = { $count } 条自 { $since } 起等待与 { $name } 连接
waiting-refused = { $count } 条等待发送：{ $name } 的设备现在无法接收，会自动重试。
waiting-no-answer = { $count } 条等待发送：{ $name } 的设备没有回应，会自动重试。
waiting-alone = { $count } 条自 { $since } 起等待：现在没有其他人，有成员来时发出。
waiting-unreadable = { $count } 条自 { $since } 起等待：本机磁盘现在读不出来，恢复后发出。

# 房间历史记录的完整程度。成员指其他成员。
syncing = 正在与 { $count } 名成员比对…
complete = 内容完整
complete-all = 其他 { $members } 名成员拥有的内容你都有。
complete-some = { $unreachable ->
    [0] 你拥有其他 { $members } 名成员中 { $agreeing } 名的全部内容。
   *[other] 你拥有其他 { $members } 名成员中 { $agreeing } 名的全部内容；{ $unreachable } 名自 { $since } 起无法联系。
}
complete-comparing = 正在比对
complete-comparing-sentence = 你拥有其他 { $members } 名成员中 { $agreeing } 名的全部内容，正在与另外 { $comparing } 名比对。
complete-away = { $unreachable } 名自 { $since } 起无法联系。
complete-beyond = 另有 { $beyond } 名在线但未与你直接相连，他们的内容经其他成员传来。
complete-unknown = 没有可以比对的人
complete-nobody = 其他 { $members } 名成员自 { $since } 起都无法联系。他们期间写的内容在你们相遇时补上。
complete-alone = 内容完整
complete-alone-sentence = 此房间里还没有见过其他人。
refusal-invalid = 签名无效
refusal-wrong-conversation = 它属于另一个对话
refusal-clock-ahead = 此电脑的时钟快得太多
refusal-not-author = 发送者不是作者
refusal-over-quota = 作者一天内写得太多
refusal-too-old = 房间不保留这么久以前的内容

# 搜索所有消息
search-messages = 搜索消息
search-messages-hint = 任何文字的词语
search-here = 在此对话中搜索
search-open = 搜索（Ctrl F）
search-for = 在消息中搜索“{ $text }”
search-invite = 输入词语，或选择作者和时间。也可以输入 from:、in:、after: 和 before:，例如 after:2026-11-01。
search-asking = 正在搜索…
search-found = { $count } 条消息，最新的在前
search-newest = 最新的 { $count } 条消息
search-more = 显示更早的
search-everywhere = 所有对话
search-everybody = 所有人
search-me = 我
search-any-time = 任何时间
search-today = 今天
search-week = 最近 7 天
search-month = 最近 30 天
search-year = 最近一年
search-chat = 与 { $name } 的聊天
search-indexing = 正在准备搜索：{ $percent }%。最新的消息已经可以找到。

# 人
person-find = 查找联系人
person-find-sentence = 在此设备见过的人中，按名字或指纹查找。
person-find-hint = 名字或指纹
person-rename = 改名
person-rename-title = 私人备注名
person-rename-sentence = 你怎么称呼 { $name }？只有你能看到。留空则使用对方自己的名字。
person-own-name = 自称 { $name }。
contact-is = 已在你的联系人中
contact-is-not = 不在你的联系人中
contact-sentence = 联系人离线时仍留在列表中。
contact-add = 请求成为联系人
contact-remove = 移除
fingerprint-sentence = 指纹可以区分同名的人。见面时请核对。
echo-title = 不需要任何网络即可回答
echo-sentence = Echo 在本程序内。你写给它的内容留在此设备上。
presence-echo = 不需要任何网络即可回答
presence-echo-short = 测试消息
presence-online = { $since } 起在线 · { $route }
presence-offline = 离线 · 最后在线 { $since }
since = { $since } 起
route-local = 在本程序内
route-lan = 在此网络上直连
route-internet = 通过互联网直连
route-mesh = 通过房间成员
route-local-short = 本机
route-lan-short = 局域网
route-internet-short = 互联网
route-mesh-short = 经房间

# 连接
network = 连接
connection-direct = 直连 { $people } 人 · { $over }
connection-direct-with-bootstrap = 直连 { $people } 人 · { $over } · 已连接引导节点
connection-direct-without-bootstrap = 直连 { $people } 人 · { $over } · 引导节点无法连接，继续运行
connection-broken = 连接已中断，请重新启动 Kinmesh。
connection-looking = 正在寻找其他人…
connection-looking-lan = 正在此网络上寻找其他人…
connection-alone = 已连接引导节点，还没有其他人。
connection-bootstrap-unreachable = 引导节点无法连接，正在用其他方式寻找…
reach-lan = 局域网
reach-internet = 互联网
reach-both = 局域网和互联网
bootstrap-connecting = 正在连接…
bootstrap-connected = 已连接
bootstrap-unreachable = 无法连接，会自动重试：{ $reason }
network-no-bootstrap = 没有设置引导节点。同一网络上的人无需它也能找到。
network-link-hint = kinmesh://join?… 或地址
network-follow = 连接
network-own-link = 你的链接可以把其他人带到此设备。

# 设置
settings-profile = 你
settings-history = 你的历史
settings-export = 导出全部内容
settings-export-sentence = 一个文件，包含你的密钥、联系人、房间、所有消息和设置，用密码锁定。没有密码，谁也帮不了你。同名文件会被替换。
settings-export-one = 单个对话
settings-export-one-sentence = 对话标题栏中的“…”可以把一个房间或聊天写成 Markdown 或 JSON，不加密码。
settings-import = 导入
settings-import-sentence = 归档文件会成为一台独立的设备：在新电脑上，或用 --data 和新目录启动 Kinmesh，然后选择“我有归档文件”。
export-open = 导出…
export-title = 导出 { $title }
export-sentence = 文件没有密码：谁打开都能阅读。同名文件会被替换。
export-markdown = Markdown，供阅读
export-json = JSON，供程序使用
export-file = 保存位置，例如 ~/Documents/kinmesh.age
export-passphrase = 密码
export-again = 再输入一次
export-mistyped = 两次输入的密码不同。
export-do = 导出
export-progress = 已写入 { $posts } 条消息…
archive-locking = 正在用密码锁定…
strength-weak = 弱：一天之内就能猜到。请用四个以上少见的词。
strength-fair = 一般：需要数年才能猜到。
strength-strong = 强：没有人能猜到。
settings-look = 外观和语言
settings-sound = 声音
settings-name = 名字
settings-status = 状态
settings-status-hint = 名字旁的一行字，也可以留空
settings-fingerprint = 你的指纹。它可以把你和同名的人区分开。
settings-privacy = 隐私
privacy-receipts = 已读回执
privacy-receipts-sentence = 聊天中对方能看到你读了什么，你也能看到对方读了什么。需要双方都开启。
privacy-typing = 正在输入
privacy-typing-sentence = 别人能看到你正在输入，你也能看到别人正在输入。
settings-theme = 主题
settings-language = 语言
theme-system = 跟随系统
theme-light = 浅色
theme-dark = 深色
language-system = 跟随系统
sound-microphone = 麦克风
sound-opening = 正在打开麦克风…
sound-speak = 请说话：麦克风听到你时，条形会移动。不会录音。
sound-none = 没有找到麦克风。
sound-busy = 麦克风正被其他程序使用。
sound-denied = 系统不允许本程序使用麦克风。
sound-system = 声音系统没有响应。

# 出错
peer-broken = Kinmesh 出现故障，连接已中断：无法再收发消息。历史记录是安全的。请重新启动 Kinmesh。
store-fault-full = 无法存储新内容：磁盘已满。消息没有丢失，但在有空间之前不会接收新消息。
store-fault-io = 无法存储新内容：磁盘拒绝读写。消息没有丢失，但在恢复正常之前不会接收新消息。
store-fault-damaged = 部分历史已损坏。请重新启动 Kinmesh：启动时会检查并修复历史。
store-mended = 又可以存储新消息了。
store-rebuilt-damage = 历史已损坏。能读出的 { $kept } 条消息和更改都在这里；{ $lost ->
    [0] 据目前所知没有缺失
   *[other] 至少缺少 { $lost } 条，其他人若有，会从他们那里恢复
}。损坏的历史保留在 { $path }。
store-rebuilt-format = 历史由较早的版本写成，其中 { $lost } 条消息无法带过来。可在 { $path } 中阅读。
error-post-unknown = 此设备上没有这条消息。
error-post-not-yours = 这条消息是别人写的。
error-post-deleted = 这条消息已删除。
error-not-an-emoji = 回应必须是一个表情。
error-name-empty = 需要一个名字。
error-name-too-long = 名字太长：最多 { $max } 个字符。
error-name-control = 名字含有看不见的字符，请重新输入。
error-node-gone = 程序正在结束。
error-busy = 操作太多，请稍后再试。
error-store = 无法存储：{ $fault }
error-not-stored-here = 无法在本机存储：{ $fault }。对方可能已经收到，那样它会再传回来。
error-search = 暂时无法搜索历史记录。
error-send-empty = 没有可发送的内容。
error-send-too-long = 太长：共 { $size } KiB，一条消息最多 { $max } KiB。请缩短或分开发送。
error-outbox-full = 等待发出的消息过多，有人能接收时才会发出。
error-not-joined = 你不在此房间中。
error-unknown-person = 此设备不认识此人。
error-too-many-rooms = 最多同时加入 { $max } 个房间，请先离开一个。
error-link = 这不是加入链接。链接以 kinmesh://join 开头，或是以 /p2p/ 和标识结尾的地址。
error-no-peer-id = 地址必须以 /p2p/ 和对方的标识结尾。
error-ourselves = 那就是此设备。
error-file = { $file }：{ $fault }
error-export = 未导出：{ $fault }
error-import = 未导入：{ $fault }
error-archive-passphrase = 密码不对。
error-archive-none = 这不是 Kinmesh 的归档文件。
error-archive-newer = 这个归档文件由更新版本的 Kinmesh 写成，请先更新。
error-archive-cut = 归档文件不完整：缺少后面的部分。
error-archive-damaged = 归档文件已损坏，或缺少一部分。
error-archive-work = 检查此归档文件的密码需要太多内存。
error-restore-place = 全部内容在 { $dir } 中，无法移到原处：{ $fault }。请关闭 Kinmesh，用 --data 和该目录重新启动。
error-restore-start = 全部内容已在这里。请关闭并重新启动 Kinmesh：{ $fault }
error-restore-broken-off = 导入被中断。请关闭并重新启动 Kinmesh。
error-settings = 无法保存设置：{ $fault }

# 日期
weekday-short = { $weekday ->
    [mon] 周一
    [tue] 周二
    [wed] 周三
    [thu] 周四
    [fri] 周五
    [sat] 周六
   *[sun] 周日
}
day-short = { $month }月{ $day }日
day-full = { $month }月{ $day }日 { $weekday ->
    [mon] 星期一
    [tue] 星期二
    [wed] 星期三
    [thu] 星期四
    [fri] 星期五
    [sat] 星期六
   *[sun] 星期日
}
day-full-year = { $year }年{ $month }月{ $day }日 { $weekday ->
    [mon] 星期一
    [tue] 星期二
    [wed] 星期三
    [thu] 星期四
    [fri] 星期五
    [sat] 星期六
   *[sun] 星期日
}
