# 终端界面：`kinmesh chat`。

terminal-you = 你

terminal-welcome = 你是 { $name } [{ $fingerprint }]。输入 /help 查看命令。

terminal-no-name = 你还没有名字，别人看不到你：用 /name 名字 起一个。

terminal-talking = 现在的对话：{ $place }。

terminal-no-conversation = 没有人会听到：请先 /join 一个房间，或用 /chat 找一个人。

terminal-line-too-long = 一行最多 { $max } 字节；这一行没有发送。

terminal-refused = 未完成：{ $reason }。

terminal-unknown-command = 没有 /{ $word } 这个命令；/help 列出全部命令。

terminal-usage = 用法：{ $usage }

terminal-help =
    普通的一行会发到当前的房间或私聊；用 // 发送以斜杠开头的文字。
    /rooms                     你在或曾在的房间
    /join 名字                 加入房间并在那里说话
    /leave                     离开当前房间
    /create 名称               新的私密房间：只有被允许进来的人知道它、能读
    /enter                     进入这里邀请你的私密房间
    /admit 某人                让一位联系人进来；/expel 请出
    /admin 某人                让对方决定谁能进来；/unadmin 取消
    /carry-on                  管理员都不再回来时，用新房间延续这个私密房间
    /found 名称                新的公开房间，你是第一位管理员
    /door open|knock           谁能发言：所有人，或管理员准许的人
    /slow 30s|10m|off          管理员以外的人两条消息之间等多久
    /keep 30d|ever             内容保留多久
    /picture 文件|off          给房间设置图片（PNG 或 JPEG），或移除
    /hide last|N|sN [原因]     对所有人隐藏一条消息；/unhide 撤销
    /silence 某人 10m|3h|7d    不显示某人写的内容；/unsilence 撤销
    /knock [文字]              请管理员让你进入；/turnaway 某人 拒绝请求
    /look N|sN                 显示一条被隐藏的消息
    /fold last|N|sN            只对自己隐藏一条消息；/unfold 撤销
    /skip 某人                 只对自己隐藏某人在这里写的内容；/unskip 撤销
    /who                       房间里有谁
    /people                    你知道的所有人
    /chat 某人                 从现在起与一个人私聊
    /msg 某人 文字             给一个人发一条消息；带空格的名字放在 "..." 里
    /history [N]               这里最近的 N 条消息，从最新的开始编号
    /search 文字               在所有历史中查找；from:名字 in:房间 after:2026-11-01
                               before:2026-12-01 缩小范围；结果编号为 s1、s2……
    /more                      更早的结果
    /go sN                     到那条消息所在的地方说话，并显示它的前后文
    /reply last|N|sN 文字      回复一条消息
    /edit last|N|sN 文字       修改你的一条消息
    /delete last|N|sN          为所有人收回你的一条消息
    /edits last|N|sN           一条消息以前的内容
    /react last|N|sN 表情      对消息作出回应；/unreact 取消
    /export 文件.md|文件.json  把当前会话写成给人读或给程序读的文件
    /export all 文件           把你的全部数据装进一个用口令加密的归档
    /receipts on|off           是否互相告知已读
    /typing on|off             是否互相告知正在输入
    /requests                  谁请求成为联系人
    /accept 某人               接受请求；/decline 拒绝，对方不会知道
    /block 某人                完全屏蔽某人；/unblock 撤销
    /contacts                  你的联系人
    /add 某人                  请求某人成为联系人
    /rename 某人 [昵称]        你给某人的昵称；留空则取消
    /remove 某人               移除联系人
    /safety 某人               与某人核对的词，确认没有人在你们中间
    /verify 某人               标为已核对；/unverify 取消
    /introduce 某人 给谁       把一位联系人介绍给另一位联系人
    /link                      邀请别人来这里的链接
    /invite [here] [3h|7d|forever] [N|any] [FILE.kinmesh]
                               邀请别人与你聊天；加 here 则邀请进入此房间
    /invites                   你生成的邀请 i1、i2……，和打开的邀请 o1、o2……
    /revoke iN|oN              收回一个邀请，或放弃一个
    /open LINK|FILE            打开邀请或其他链接
    /connect 链接              通过别人的链接或地址加入网络
    /status                    你的网络状况
    /call 某人                 呼叫联系人；单独的 /call 显示通话情况
    /accept                    接听来电；/decline [留言] 拒绝，/ignore 只在那边响
    /hangup                    离开通话
    /mute、/deafen、/hold      不出声、不听别人、两者都停到你回来
    /volume 某人 百分比        某人的音量
    /bring 某人                再呼叫一位联系人加入通话；/transfer 让对方代替你呼叫
    /voice                     进入当前房间的语音频道
    /talk                      按键通话时让别人听到或听不到：/sound send key
    /sound                     检查麦克风和扬声器；/sound devices 列出设备
    /name 名字                 别人看到的你的名字
    /about [文字]              别人在你名字旁看到的一行字
    /quit                      退出

terminal-time-unknown = ??:??

terminal-unreadable = （由更新版本的 Kinmesh 写成）

terminal-deleted = （已删除）

terminal-edited = （已编辑）

terminal-gap = （这里缺少内容，联系上有这些内容的人后会补上）

terminal-answers = （回复 { $who }：{ $text }）

terminal-no-such-message = 这里没有这条消息；/history 会给消息编号。

terminal-found-nothing = 没有找到。

terminal-found-more = 用 /more 查看更早的结果。

terminal-no-search = 没有更多结果；/search 文字 开始查找。

terminal-no-such-hit = 上次查找没有这个编号。

terminal-search-progress = 正在重建搜索索引，已完成 { $indexed } / { $total } 条消息和改动；最新的最先能找到。

terminal-search-whole = 现在又能找到全部历史了。

terminal-writing = { $who } 正在输入……

terminal-receipts = 已读回执：{ $state }。

terminal-typing-shared = 告知正在输入：{ $state }。

terminal-read = 已读

terminal-waiting = { $count ->
   *[other] { $count } 条消息在等待：{ $reason }
}

terminal-wait-sending = 正在发送。

terminal-wait-offline = { $place } 从 { $time } 起离线；你们相遇时就会发出。

terminal-wait-connecting = 正在连接 { $place }。

terminal-wait-refused = { $place } 的设备暂时无法接收；之后会自动发送。

terminal-wait-no-answer = { $place } 没有回应；之后会自动发送。

terminal-wait-alone = 这里没有别人；有人来时就会发出。

terminal-wait-unreadable = 本机磁盘现在读不出来；恢复后就会发出。

terminal-complete = 与其他 { $members } 人中的 { $agreeing } 人一致

terminal-unreachable = { $count ->
   *[other] { $count } 人从 { $time } 起不在
}

terminal-queued = 等待发送

terminal-sent = { $members ->
   *[other] 已发给 { $members } 名成员
}

terminal-delivered = 已送达

terminal-failed = 失败：{ $reason }

terminal-refused-invalid = 对方说签名不正确

terminal-refused-conversation = 对方说它属于另一个对话

terminal-refused-clock = 你的时钟比对方快了几分钟

terminal-refused-author = 对方说你不是作者

terminal-refused-quota = 你一天内写得太多，没有人会全部保存

terminal-not-sent = { $count ->
   *[other] 还有 { $count } 条消息没有离开这台设备。
}

terminal-lagged = 有 { $missed } 个事件来得太快，没有显示；用 /history 查看消息。

terminal-online = { $time } 起在线

terminal-offline = 最后见于 { $time }

terminal-own-name = 自称 { $name }

terminal-contact = 联系人

terminal-route-local = 在本机

terminal-route-lan = 局域网

terminal-route-internet = 互联网

terminal-route-mesh = 经由其他成员

terminal-room-numbers = { $members ->
   *[other] { $members } 名成员
}，{ $online } 人在线，{ $unread } 条未读

terminal-room-left = 已离开

terminal-no-rooms = 你不在任何房间：可以先试试 /join lobby。

terminal-not-in-a-room = 当前对话不是房间。

terminal-left = 你离开了 { $place }；历史记录仍留在本机。

terminal-nobody = 还没有人。

terminal-nobody-called = 这里没有人叫 { $name }；/people 列出所有人。

terminal-many-called = 可能是好几个人；请用指纹代替名字：

terminal-no-history = 这里还没有人说过话。

terminal-added = { $who } 现在是联系人了。

terminal-removed = { $who } 不再是联系人。

terminal-renamed = 你现在看到的名字是 { $name }。

terminal-nickname-gone = 你又看到对方自己的名字了。

terminal-connecting = 正在连接；/status 显示进展。下次启动时会记得。

terminal-named = 你现在叫 { $name }。

terminal-about-set = 别人现在会在你名字旁看到它。

terminal-member-joined = { $who } 在 { $place }

terminal-member-left = { $who } 离开了 { $place }

terminal-peers = 已连接：局域网 { $lan } 个，互联网 { $internet } 个。

terminal-no-bootstrap = 没有设置引导节点：用 /connect 链接 添加。局域网里不需要。

terminal-listening = 监听 { $address }

terminal-bootstrap-connecting = 正在连接

terminal-bootstrap-connected = 已连接

terminal-bootstrap-unreachable = 连不上，会自动重试：{ $reason }

terminal-store-works = 历史存储恢复正常。
