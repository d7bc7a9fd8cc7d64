# 私密房间，所有界面共用。

invites-to = 邀请你加入私密房间 { $name }

invites-to-yours = 私密房间 { $name } 的邀请

entry-sealed = 用这里没有的密钥封存

error-room-not-in = 你不在这个房间里。

error-room-not-admin = 只有房间的管理员才能决定。

error-room-is-member = 你已经在这个房间里。

error-room-no-member = 对方不在房间里。

error-room-last-admin = 房间需要管理员：请先让别人成为管理员。
error-room-senior = 对方是房间的创建者，或者你的管理员身份来自对方：你不能移除或降级对方。
error-room-is-public = 那是公开房间。
error-room-log-full = 此房间的操作已达上限。

error-room-too-many = 一次最多 { $max } 人。

error-room-no-invitation = 没有这个邀请。

error-room-no-key = 房间的密钥还没有到：连上一位成员后就会得到。

terminal-invites-to = 邀请你加入私密房间 { $name }：/enter 进入

terminal-sealed = （用这里没有的密钥封存）

terminal-admitted = 已让 { $who } 进入。

terminal-expelled = 已请出 { $who }。对方保留已有的内容，之后的读不到。

terminal-made-admin = { $who } 现在是管理员。

terminal-made-member = { $who } 不再是管理员。

terminal-carries-on = 延续 { $room }

terminal-carried-on-in = 由 { $room } 延续

terminal-admin = 管理员

terminal-private = 私密

terminal-private-admin = 私密，你是管理员

terminal-private-awaits-log = 私密，等待成员带来房间

terminal-private-awaits-key = 私密，等待成员给出密钥

terminal-private-out = 私密，你已不在其中

room-private = 私密房间

room-private-sentence = 只有成员能读。新来的人可以看到以前的内容。被请出的人保留已有的内容。

room-private-keeps-past-sentence = 只有成员能读。新来的人只能看到加入之后的内容。被请出的人保留已有的内容。

room-awaits-log = 等待一位成员把房间带到这里。

room-awaits-key = 等待一位成员给出最新的密钥。

room-out = 你已不在其中。已有的内容会保留。

room-admin = 你是管理员

room-admin-sentence = 谁能进来由你决定。邀请是一个链接，在能连到这台设备时让持有者进来。

room-role-admin = 管理员

room-admit = 让一位联系人进来

room-admit-sentence = 对方会在你们的聊天里收到邀请。已在房间里的人会再次收到。

room-admit-nobody = 没有其他联系人。

room-admitted = 已让 { $name } 进入。

room-make-admin = 设为管理员

room-make-member = 取消管理员

room-expel = 请出

room-enter = 进入房间

room-open = 打开房间

room-new = 新的私密房间

room-new-instead = 改为私密房间

room-new-do = 创建

room-new-sentence = 只有被允许进来的人才知道它、才能读。建好之后就可以让人进来。

room-topic = 关于什么（可以不填）

room-keeps-past = 不让新来的人看到以前的内容

room-keeps-past-sentence = 他们只能看到加入之后的内容。

room-left-private = 你已不在这个房间里。

invite-to-private-room = { $name } 邀请你加入 Kinmesh 上的私密房间。

invite-private-room-sentence = 持有链接的人会被允许进入这个房间并成为你的联系人，前提是能连到这台设备。

link-private-room-sentence = 它通向 { $name }（密钥 { $fingerprint }）的私密房间。对方会看到你的名字，你们会成为联系人，双方都在线时房间就会打开。

room-subtitle-private = { $members }，{ $online } 人在线 · 私密房间

room-invited-again = 已再次邀请 { $name }。

room-carries-on = 延续 { $name }

room-carries-on-sentence = 以前写的内容仍在那里。

room-carried-on-in = 由 { $name } 延续

room-carried-on-in-sentence = 这个房间和其中的内容保持不变。

room-carry-on-title = 如果再没有人做决定

room-carry-on = 延续这个房间

room-carry-on-short = 所有管理员都不再回来时，任何成员都可以用一个新房间延续它。

room-carry-on-sentence = 会建立一个新的私密房间，名称和设置与这里相同，由你做决定。这个房间里的每个人都会在这里看到邀请。这个房间和其中的内容保持不变。

room-carry-on-do = 延续

room-picture = 图片

room-picture-title = 房间的图片

room-picture-sentence = PNG 或 JPEG。只取中间部分并缩小；房间里的人都能看到。文件里的其他内容不会发出去，例如照片的拍摄地点。

room-picture-file = 图片文件

room-picture-do = 使用

room-picture-remove = 移除图片

error-picture-none = 这不是 PNG 或 JPEG 图片。

error-picture-too-large = 图片太大：最多 64 MiB，边长最多 16,384 像素。

terminal-picture-set = 房间现在使用这张图片。

terminal-picture-gone = 房间现在没有图片。
