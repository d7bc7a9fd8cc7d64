# Invitations: made, opened, taken back; what a link leads to.

invite-to-room = { $name } 邀请你加入 Kinmesh 上的房间 #{ $room }。

invite-to-chat = { $name } 邀请你在 Kinmesh 上聊天。

invites-title = 邀请

invite-new = 邀请别人

invite-new-room = 邀请加入 #{ $room }

invite-chat-sentence = 打开它的人可以与你聊天，你们会互为联系人。

invite-room-sentence = 打开它的人会进入这个房间。房间是公开的：邀请让人相聚，并不把谁挡在外面。

invite-valid = 有效期

expiry-hour = 一小时

expiry-day = 一天

expiry-week = 一周

expiry-never = 永久

invite-people = 供

uses-one = 一人使用

uses-ten = 十人使用

uses-any = 任何人使用

invite-make = 生成邀请

invite-give = 让对方用相机扫描图片，或以任何其他方式发送链接或文件。

invite-no-picture = 这个邀请太长，无法做成图片：请发送链接或文件。

invite-copy = 复制链接

invite-copied = 邀请已复制

invite-file = 文件保存位置

invite-save = 存为文件

invite-saved = 邀请已保存到 { $file }。

invite-until = 有效至 { $time }

invite-for-ever = 在收回之前一直有效

invite-left = 剩余 { $count } / { $of } 次

invite-any-left = 任何人可用，已被 { $used } 人使用

invite-not-counted = 对所有人开放

invite-expired = 已过期

invite-used-up = 已全部用完

invite-for-chat = 与你聊天

invite-show = 显示

invite-revoke = 收回

invite-forget = 移除

invite-none = 你还没有生成过邀请。

invites-made = 你生成的

invites-opened = 你打开的

invite-dismiss = 放弃

invites-handler = 用本程序打开 kinmesh:// 链接

invites-handler-sentence = 在此桌面上点击的链接和邀请文件会在这里打开。

opening-waiting = 正在等待 { $name } 上线

opening-asking = 正在询问 { $name }…

opening-expired = 你们相遇时，{ $name } 的邀请已经过期

opening-used-up = { $name } 的邀请已被别人用完

opening-revoked = { $name } 已收回邀请

opening-unknown = { $name } 不知道这个邀请

link-open = 打开链接

link-open-do = 打开

link-chat-sentence = 它通向与 { $name }（密钥 { $fingerprint }）的聊天。对方会看到你的名字，你们会互为联系人。

link-room-sentence = 它通向公开房间 #{ $room }，由 { $name }（密钥 { $fingerprint }）生成。

link-way-sentence = 它通过 { $count } 个地址进入网络。

link-way-room-sentence = 它通过 { $count } 个地址通向公开房间 #{ $room }。

link-expires = 有效至 { $time }。

error-invite-damaged = 这个邀请已损坏：缺少字母或字母有误。请从头到尾重新复制一遍。

error-invite-newer = 这个邀请由比你更新的 Kinmesh 版本生成。

error-invite-expired = 这个邀请已过期，请索取新的。

error-invite-not = 这不是 Kinmesh 邀请。

error-invite-blocked = 这是你屏蔽的人发出的邀请。请先解除屏蔽。
error-invite-own = 这是你自己的邀请：它是给别人的。

error-openings-full = 等待中的邀请太多，请在设置中放弃一些。

error-invites-full = 邀请太多，请在设置中收回一些。

error-invite-unknown = 这个邀请已不存在。

error-invite-name = 请先给自己取个名字：邀请会说明是谁发出的。

error-invite = 无法生成邀请：{ $fault }

error-invite-file = 无法使用该文件：{ $fault }

toast-invite-used = { $name } 使用了你的邀请：你们已互为联系人。

toast-opening-accepted = { $name } 接纳了你：你们已互为联系人。

terminal-invite-saved = 也已保存到 { $file }。

terminal-no-invites = 你没有生成邀请，也没有等待中的邀请。/invite 可以生成一个。

terminal-no-such-invite = /invites 中没有这个邀请。

terminal-invite-revoked = 它不再有效。

terminal-arrived = 收到一个链接：{ $words } 输入 /open 打开它。

terminal-way = 通过 { $count } 个地址进入网络{ $room }。

terminal-invite-used = { $who } 使用了你的邀请：你们已互为联系人。

terminal-invite-accepted = { $who } 接纳了你：你们已互为联系人。

terminal-invite-chat = 与你聊天

terminal-invite-expired = 已过期

terminal-invite-used-up = 已用完

terminal-invite-left = 剩余 { $count } 次

terminal-invite-any = 任何人可用

terminal-invite-until = 有效至 { $time }

terminal-invite-forever = 在收回之前一直有效

terminal-invite-waits = 正在等待 { $who } 上线。

terminal-invite-asking = 正在询问 { $who }。

terminal-invite-refused-expired = { $who }：你们相遇时邀请已经过期。

terminal-invite-refused-used-up = { $who }：邀请已被别人用完。

terminal-invite-refused-revoked = { $who }：邀请已被收回。

terminal-invite-refused-unknown = { $who }：对方不知道这个邀请。

presence-never = 你们还没有相遇

waiting-never = { $count } 条消息等待 { $name } 上线，你们相遇时发出。

terminal-wait-never = 你们（{ $place }）还没有相遇
