# 声音：设备、语音处理、声音检查。

sound-default = 由系统选择
sound-speaker = 扬声器
sound-no-speaker = 没有找到扬声器。
sound-speaker-busy = 扬声器正被其他程序使用。
sound-ring = 试听铃声
sound-ringing = 正在响铃…

sound-check = 声音检查
sound-check-sentence = 说三秒钟话，然后听听别人听到的你。录音不会保留。
sound-check-do = 录音并播放
sound-check-stop = 停止
sound-check-recording = 正在录音：请说话…
sound-check-playing = 正在播放：你听到自己了吗？
sound-check-good = 麦克风能清楚地听到你（峰值 { $level } dBFS）。
sound-check-soft = 麦克风能听到你，但声音很小（峰值 { $level } dBFS）。请靠近麦克风，或在系统设置中调高音量。
sound-check-silent = 麦克风几乎没有听到声音（峰值 { $level } dBFS）。是否静音了，或选错了麦克风？
sound-check-clipped = 你的声音对麦克风来说太大（峰值 { $level } dBFS）。请在系统设置中调低音量。
sound-check-heard = 麦克风在 { $ms } 毫秒后也听到了扬声器。回声消除会去掉它。
sound-check-unheard = 麦克风没有听到扬声器。戴耳机时这是正常的；否则请检查所选的扬声器和音量。
sound-check-delay = 编码和缓冲增加 { $ms } 毫秒。
sound-check-xruns = 声音中断了 { $count } 次：电脑或设备太慢。
sound-check-unprocessed = 语音处理失败，已跳过。
sound-check-busy = 另一个声音检查正在进行。
sound-check-in-a-call = 正在通话或响铃：通话结束后才能检查声音。
sound-check-nothing = 麦克风已打开，但没有声音传来。
sound-check-stuck = 扬声器已打开，但不接收声音。
sound-check-broken-off = 声音检查已中断。

sound-echo = 回声消除
sound-echo-sentence = 从你的声音中去掉扬声器播放的内容，使对方不会听到自己。
sound-noise = 降噪
sound-noise-sentence = 降低风扇、车流等持续的噪声。
sound-gain = 音量均衡
sound-gain-sentence = 放大小的声音，减弱大的声音。

terminal-sound-record = 请说话，三秒钟…
terminal-sound-play = 现在请听…
terminal-sound-rang = 这就是铃声。
terminal-sound-chosen = 从现在起使用：{ $name }。
terminal-sound-unknown = 没有名为 { $name } 的设备；/sound devices 列出设备。
terminal-sound-on = 从现在起已打开。
terminal-sound-off = 从现在起已关闭。
