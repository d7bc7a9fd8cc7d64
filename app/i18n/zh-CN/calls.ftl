# 通话：状态、如何结束、音质；各界面共用。

call-note-answered = 通话，{ $duration }
call-note-unanswered = 通话，无人接听
call-note-missed = 未接来电
call-note-missed-busy = 你在另一通话中时的未接来电
call-note-cancelled = 通话，接听前已放弃
call-note-declined = 通话，已拒绝
call-note-busy = 通话，对方正在另一通话中
call-note-failed = 通话，但声音未能传到

call-calling = 正在呼叫 { $who }…
call-ringing = { $who } 那边正在响铃…
call-incoming = { $who } 来电
call-connecting = 正在与 { $who } 建立连接…
call-active = 与 { $who } 通话中，{ $duration }
call-reconnecting = 与 { $who } 的连接已断开 { $seconds } 秒，正在重试。

call-ended = 与 { $who } 的通话已结束。
call-declined = { $who } 拒绝了通话。
call-declined-with = { $who } 拒绝了通话：{ $text }
call-you-declined = 你拒绝了 { $who } 的来电。
call-cancelled = { $who } 不再呼叫。
call-you-cancelled = 你放弃了对 { $who } 的呼叫。
call-unanswered = { $who } 没有接听。可以改为留言：对方查看时就会收到。
call-missed = 你错过了 { $who } 的来电。
call-ignored = { $who } 那边继续响铃，这里不再响。
call-busy = { $who } 正在另一通话中。
call-offline = { $who } 未连接，无法响铃。可以改为留言：你们相遇时送达。
call-no-path = { $who } 已接听，但 8 秒内没有声音传到：你们的网络不让它通过。可以改为留言，它也许仍能送达。
call-lost = { $who } 的连接中断，没有恢复。
call-not-a-contact = { $who } 没有把你列为联系人，所以你无法呼叫。
call-too-old = { $who } 的程序还不能接听通话。可以改为留言。
call-full = 这个通话已达人数上限。

call-quality-unknown = 还没有听到声音
call-quality-good = 良好
call-quality-fair = 有少量丢失，仍然清晰
call-quality-late = 清晰，但有延迟
call-quality-poor = 有词语丢失
call-quality-bad = 几乎听不懂

call-path-quic = QUIC
call-path-tcp = TCP：丢失的数据会拖住后面的
call-path-none = 在本程序内
call-figures = 延迟 { $delay } 毫秒，往返 { $round } 毫秒，抖动 { $jitter } 毫秒，缓冲 { $buffer } 毫秒，丢失 { $lost } %，补造 { $made } %，{ $path }

call-no-microphone = 没有找到麦克风：你可以听，但没有人听到你。
call-microphone-busy = 麦克风被其他程序占用：你可以听，但没有人听到你。
call-microphone-denied = 系统不允许本程序使用麦克风：你可以听，但没有人听到你。
call-microphone-system = 声音系统没有响应：没有人听到你。
call-no-loudspeaker = 没有可用的扬声器：你听不到任何人。

terminal-call-none = 没有通话。/call 某人 呼叫，/voice 进入当前房间的语音频道。
terminal-call-how = /accept 接听，/decline [留言] 拒绝，/ignore 只在那边响。
terminal-call-muted = 你已静音。
terminal-call-unmuted = 别人又能听到你了。
terminal-call-deafened = 你听不到通话中的任何人。
terminal-call-undeafened = 你又能听到其他人了。
terminal-call-held = 通话保持中：没有人听到你，你也听不到别人。
terminal-call-unheld = 通话继续。
terminal-call-talking = 打开期间别人能听到你。
terminal-call-talked = 别人不再听到你。
terminal-call-no-key = 仅用于按键通话：/sound send key 打开它。
terminal-call-volume = { $who } 的音量为 { $percent } %。
terminal-call-adding = 正在呼叫 { $who } 加入通话…
terminal-call-transferring = 对方正在呼叫 { $who }；他们进入通话后你将离开。
terminal-call-bitrate = 你的声音：{ $kbps } kbit/s
terminal-call-party-calling = { $who }：呼叫中…
terminal-call-party-ringing = { $who }：那边正在响铃…
terminal-call-party-connecting = { $who }：连接中…
terminal-call-party-cut-off = { $who }：连接中断
terminal-call-party = { $who }：{ $quality }
terminal-call-party-muted = 已静音
terminal-call-party-held = 保持通话
terminal-call-party-speaking = 正在说话
terminal-sound-send-open = 通话中始终发送你的声音。
terminal-sound-send-voice = 通话中在你说话时发送声音。
terminal-sound-send-key = 通话中在 /talk 打开时发送声音。
terminal-call-begun = 你与 { $who } 通话中。
terminal-call-cut-off = 与 { $who } 的连接已断开，将重试 20 秒。
terminal-call-joined = { $who } 进入了通话。
terminal-call-left = { $who } 离开了通话。
terminal-voice-entered = 你在 { $place } 的语音频道里。
terminal-voice-left = 你离开了 { $place } 的语音频道。
