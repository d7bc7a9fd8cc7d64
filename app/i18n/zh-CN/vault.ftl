# 本机磁盘上内容的密码短语。

vault-ask = 本节点的密码短语：

vault-ask-new = 新的密码短语：

vault-forgotten = 忘记的密码短语无人能找回：没有它，你的消息和身份就丢失了。请先导出归档，或把密码短语记下来。

vault-is-set = 本机上的密钥、消息和搜索索引已加密。从现在起，Kinmesh 启动时会询问密码短语。

vault-is-changed = 密码短语已更改。

vault-is-removed = 密码短语已移除：能读取你文件的人就能读取本机上的内容。

unlock-title = Kinmesh 已锁定

unlock-passphrase = 密码短语

unlock-show = 显示输入内容

unlock-do = 解锁

unlock-opening = 正在解锁…

unlock-wrong = 密码短语不对。{ $seconds } 秒后可再试。

unlock-wait = { $seconds } 秒后可再试。

settings-passphrase = 密码短语

settings-passphrase-none = 本机内容没有加锁。密钥文件只有你的账户能读取（权限 0600），但拿到磁盘的人，或以你的身份运行的程序，能读取所有消息并以你的名义发言。设置密码短语后，密钥、消息和搜索索引都会加密。

settings-passphrase-set = 本机上的密钥、消息和搜索索引已加密。仍可看到的有：数据的大小和写入时间，以及设置文件和你接入所用节点的地址。

settings-passphrase-old = 现在的密码短语

settings-passphrase-new = 新的密码短语

settings-passphrase-again = 再次输入新的密码短语

settings-passphrase-do-set = 设置密码短语

settings-passphrase-do-change = 更改密码短语

settings-passphrase-do-remove = 移除密码短语

settings-passphrase-working = 正在重新写入所有内容。完成之前 Kinmesh 处于离线状态。

settings-lock-after = 自动锁定

settings-lock-after-sentence = 这么久没有按键或移动指针之后。锁定期间 Kinmesh 处于离线状态。

settings-lock-never = 从不

settings-lock-minutes = { $minutes } 分钟

settings-lock-now = 立即锁定
