# 导出与导入：kinmesh export 等命令的文字，以及导出文件中的用词。

archive-ask-new = 归档文件的密码：

archive-ask-again = 再输入一次：

archive-ask = 归档文件的密码：

archive-progress = { $entries } / { $of } 条消息和更改

archive-exported = { $file } 包含 { $conversations } 个会话、{ $entries } 条消息和更改、{ $people } 个人，以及你的密钥和设置。

archive-keep-safe = 谁拿到这个文件和密码，就能读到其中的一切，并以你的身份说话。

archive-imported = { $dir } 现有 { $conversations } 个会话、{ $entries } 条消息和更改、{ $people } 个人，以及你的密钥和设置，均为 { $made } 时的状态。

archive-one-place = 一台设备只能在一个地方：从现在起只在这里启动 Kinmesh。不支持同一设备的两个副本同时运行。

archive-refused-entries = { $count } 条消息或更改没有作者的有效签名，已略去。

archive-refused-files = { $count } 个文件属于本版本不认识的 Kinmesh 版本，已略去。

archive-conversation-exported = { $posts } 条消息已写入 { $file }。

export-made = 由 { $who } 从 Kinmesh 导出，{ $when }

export-edited = 编辑于 { $when }

export-answers = 回复 { $who }，{ $when }

export-answers-missing = 回复 { $when } 的一条消息，该消息不在这里

export-deleted = 作者已撤回

export-unreadable = 由更新版本的 Kinmesh 写成

export-gap = 这里缺少内容。

export-time-unknown = 时间未知
