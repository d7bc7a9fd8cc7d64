# 管理，所有界面共用。

entry-withheld = 已隐藏

withheld-hidden = 被 { $who } 隐藏

withheld-hidden-reason = 被 { $who } 隐藏：{ $reason }

withheld-muted = 不显示：作者被 { $who } 禁言

withheld-put-out = 不显示：作者被 { $who } 请出

withheld-not-let-in = 不显示：作者未获准进入

withheld-too-soon = 不显示：作者没有按此房间的要求等待

withheld-entry = 已被你隐藏，只对你生效

withheld-author = 已隐藏：你不想在这里看到此人

withheld-look = 仍然显示

hide-here = 对我隐藏

show-here = 对我重新显示

hide-author-here = 对我隐藏此人

show-author-here = 重新显示此人

hide-everyone = 对所有人隐藏

show-everyone = 重新对所有人显示

error-muted = 此房间的管理员将你禁言，请稍后再试。

error-put-out = 管理员已将你请出此房间。

error-not-let-in = 需要此房间的管理员先让你进入。

error-too-soon = 此房间要求每个人等待：还需 { $seconds } 秒。

error-hidden-full = 此房间里隐藏的内容已达上限。

error-hide-count = 一次不能隐藏这么多条消息。

error-too-slow = 等待时间最长为一小时。
error-keeps-too-long = 房间最多保留 3650 天的内容，或永久保留。

error-knock-is-in = 你已经在此房间里。

error-knock-none = 对方已不再请求进入。

error-knock-too-long = 最多可以写 { $max } 字节。

founded = 有管理员的公开房间

founded-open-sentence = 有链接的人都可以进入、阅读和发言。管理员可以隐藏消息、禁言和请出。

founded-knock-sentence = 有链接的人都可以来听。想发言、想看以前内容的人由管理员准许进入。

founded-by = 创建者：{ $name }（密钥 { $fingerprint }）。

founded-knocks = { $name } 想进来

founded-knock = 请求进入

founded-stop-knocking = 不再请求

founded-outside-sentence = 需要管理员让你进入。

founded-knocking-sentence = 你已请求进入。与管理员连接上时对方会看到。

founded-put-out-sentence = 管理员已将你请出此房间。

room-subtitle-founded = { $members }，{ $online } 人在线 · 有管理员的公开房间

room-is-public = 公开

room-is-public-sentence = 有链接的人都可以进入；由你管理。

room-is-knocked-at = 需要敲门

room-is-knocked-at-sentence = 想发言的人先问管理员。

room-is-slow = 慢速模式

room-is-slow-sentence = 管理员以外的人两条消息之间要等 30 秒。

room-new-public-sentence = 有链接的人都可以进入和阅读。你是第一位管理员：可以隐藏消息、禁言和请出。

room-rules = 规则

room-slow-on = 开启慢速模式

room-slow-off = 关闭慢速模式

room-slow-sentence = 管理员以外的人两条消息之间要等 { $seconds } 秒。

room-not-slow-sentence = 两条消息之间不需要等待。

room-door-knock = 需要敲门

room-door-open = 对所有人开放

room-mute = 禁言 1 小时

room-unmute = 解除禁言

link-founded-room-sentence = 它通向公开房间 { $room }，邀请人是 { $name }（密钥 { $fingerprint }）。那里的人都会看到你的名字。

terminal-founded = 公开，有管理员

terminal-founded-knock = 公开，有管理员，发言需获准

terminal-founded-awaits-log = 公开，有管理员，等待成员带来房间

terminal-founded-outside = 公开，有管理员，你需要 /knock

terminal-founded-knocking = 公开，有管理员，你在敲门

terminal-founded-put-out = 公开，有管理员，你已被请出

terminal-nobody-decides = 这个房间没有人管理。

terminal-rule-set = 从现在起如此。

terminal-hidden = 已对所有人隐藏；/unhide 撤销。

terminal-shown = 已重新显示。

terminal-folded = 已对你隐藏；/unfold 撤销。

terminal-unfolded = 已重新显示。

terminal-muted = 已将 { $who } 禁言；/unsilence 撤销。

terminal-unmuted = { $who } 又可以发言。

terminal-is-muted = 禁言到 { $time }

terminal-ignored = 你不再看到 { $who } 在这里写的内容；/unskip 撤销。

terminal-unignored = 你会看到 { $who } 在这里写的内容。

terminal-knocking = 你已请求进入。与管理员连接上时对方会看到。

terminal-turned-away = 已拒绝 { $who }，对方不会知道。

terminal-knocks = { $who } 想进入 { $place }：{ $text }（/admit 或 /turnaway）

# What a room keeps
room-kept = 保留期限

room-keeps-all-sentence = 所有内容都会保留。

room-keeps-sentence = 超过 { $days } 天的内容会从每位成员的设备上删除。缩短的期限一周后生效。

room-keep-ever = 永久

room-keep-days = { $days } 天
