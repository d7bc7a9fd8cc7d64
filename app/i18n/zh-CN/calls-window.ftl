# 窗口中的通话。各界面共用的文字在 calls.ftl。
window-title-rings = { $who } 来电 · Kinmesh

call-ring = 呼叫
call-back = 回拨
call-again = 再次呼叫
call-write = 改为留言
call-hint-offline = { $name } 未连接，无法响铃。
voice-enter = 进入语音
voice-in = 语音中
voice-nobody = 语音频道里还没有人。
voice-people = 语音频道里有：{ $names }
voice-more = +{ $count }

# 通话状态，在对方名字旁
call-now-calling = 正在呼叫…
call-now-ringing = 正在响铃…
call-now-rings = 来电
call-now-connecting = 正在连接…
call-now-held = 保持中 · { $duration }
call-now-reconnecting = 已断开 { $seconds } 秒，正在重试
call-rings-for-party = 邀请你加入与 { $names } 的通话
call-voice-of = { $room } 的语音
call-voice-alone = 这里还没有其他人。
call-of = { $count } 人通话

# 来电
call-accept = 接听
call-decline = 拒绝
call-decline-with = 拒绝并留言
call-ignore = 忽略
call-keys = Ctrl Shift：A 接听，D 拒绝，W 留言，I 忽略
call-why-later = 我稍后回电。
call-why-busy = 现在不方便，一小时后可以吗？
call-why-write = 不方便通话，请给我留言。
call-why-hint = 用你自己的话

# 通话中
call-mute = 静音
call-unmute = 取消静音
call-deafen = 不听
call-undeafen = 恢复收听
call-hold = 保持
call-unhold = 继续
call-cancel = 取消
call-hang-up = 挂断
call-talk = 按住说话：F9
call-talking = 别人能听到你
call-talk-sentence = 按住 F9 或此按钮时，别人能听到你。
call-column = 显示或隐藏通话
call-column-close = 隐藏通话，通话继续
call-add = 添加联系人
call-transfer = 转接
call-transferring = 正在呼叫 { $name } 接替你…
call-adding = 正在呼叫 { $name } 加入通话…
call-quality = 音质：{ $quality }
call-figures-show = 数据
call-figures-hide = 隐藏
call-figures-own = 你的声音：{ $kbps } kbit/s
call-volume = 音量
call-party-muted = 已静音
call-party-held = 保持中
call-party-cut-off = 已断开
call-words = 是本人吗？
call-words-sentence = 如果是 { $name } 本人，你们看到的词相同。念出几个，让对方接着念。
call-words-verified = 你以前与 { $name } 核对过这些词。
call-words-show = 显示这些词
call-words-hide = 隐藏这些词
percent = { $number } %

# 为通话选择联系人
call-add-title = 添加到通话
call-add-sentence = 那边会响铃，接听的人与你们所有人通话。
call-transfer-title = 转接通话
call-transfer-sentence = 对方会呼叫你选择的人。他们通话后你就离开。
call-with-nobody = 没有在线且不在通话中的联系人。

# 设置
sound-send = 通话中何时发送你的声音
sound-send-open = 始终
sound-send-voice = 说话时
sound-send-key = 按住 F9 时
sound-send-open-sentence = 麦克风听到的一切都会发送。
sound-send-voice-sentence = 只发送你的声音，不发送更轻的声音。
sound-send-key-sentence = 只有按住 F9 或通话中的按钮时才发送。
sound-calls-ring = 铃声
sound-calls-ring-sentence = 来电不仅能看到，也能听到。

# 错误
error-call-not-a-contact = 只能呼叫联系人。
error-call-in-a-call = 你已在通话中。
error-call-over = 这个通话已经结束。
error-call-not-standing = 只有在两人通话接通后才能这样做。
error-call-offline = 对方未连接，无法响铃。
error-voice-full = 语音频道已满。
error-call-of-a-room = 房间里的人可以自己进入语音频道，不能把人带进来。
error-call-too-long = 留言最多 { $max } 字节。
