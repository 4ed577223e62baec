# 運作頁面。與 locales/en.ftl 內容一致，由測試核對。

overview = 概覽
studies = 檢查影像
held = 待處理
messages = 訊息
codes = 未知代碼

# 一句話說明狀況。
overview-title = 運作監控
level-good = 一切正常。
level-warning = 請留意。
level-bad = 須立即處理。
headline-flowing = { $feeds ->
   *[other] 全部 { $feeds } 個資料來源運作正常。
}
headline-nothing-yet = { $feeds ->
   *[other] 全部 { $feeds } 個資料來源已開放，尚未收到訊息。
}
headline-silent = { $feed } 已有 { $span }沒有訊息；預期每 { $every }應有一個訊息。
headline-down = { $feed } 的接收端沒有開放。
headline-behind = 訊息等候處理過久：最早的已等候 { $span }。
headline-stopped = 系統沒有運行。以下數字取自其檔案。
nothing-waits = 沒有訊息等候處理。
some-wait = { $messages ->
   *[other] { $messages } 個訊息等候處理，最早的已等候 { $span }。
}
some-held = { $n ->
   *[other] { $n } 個訊息待人手處理。
}
as-of = 截至

# 更新。
refresh = 重新整理
pause-updates = 暫停更新
resume-updates = 恢復更新
updates-lost = 伺服器沒有回應，以下數字已過時。

# 資料來源。
feeds = 資料來源
feeds-caption = 數目自啟用起累計，不會重設。速率為最近一分鐘。
no-feeds = 尚未設定資料來源。請在設定檔加入 [[feed]]，或執行 causeway demo。
column-feed = 資料來源
column-state = 狀態
column-last = 最近訊息
column-rate = 速率
column-oldest = 最久等候
column-ack = 確認 p99
column-ack-long = 最近數分鐘內，每 100 個確認有 99 個在此時間內送出
column-spark = 最近數分鐘
catch-all = 接收其他來源不接收的訊息
never = 從未
feed-flowing = 接收中
feed-waiting = 等候訊息
feed-silent = 靜默
feed-paused = 已暫停
feed-down = 已關閉
spark-title = 最近 { $window }收到的訊息
spark-description = 每 { $step }一格：最高 { $highest }，最近 { $latest }，合共 { $total }。
spark-twin = { $window }內 { $total } 個

# 流程。
pipeline = 處理流程
stage-receive = 接收
stage-log = 日誌
stage-map = 轉換
stage-decide = 同意核對
stage-store = 儲存
lag = 延遲
behind = 落後
images-title = 影像
images-open = { $n } 個進行中
images-studies = 檢查：{ $open } 個或會增加影像，{ $completed } 個已完整。
images-caption = 自系統啟動起計。衝突指影像的識別碼曾用於另一影像：兩者均予保存。
images-conflicts = 查看互相矛盾的影像
failed-title = 被拒絕或中斷的連接
failed-why = 原因
failed-no-feed = 不屬任何來源的呼叫方
ended-rejected = 不獲接納：沒有來源具有此 AE 名稱、地址或憑證，或所提出的內容均不接收
ended-rejected-for-now = 暫不接納：連接過多，或來源已暫停
ended-aborted-by-peer = 發送方中斷連接
ended-lost = 連接中斷
ended-timed-out = 發送方過久沒有回應
ended-by-us = 由系統中斷：系統停止，或未能保存收到的資料
ended-refused = 被拒的內容不斷傳送
ended-not-understood = 發送方違反通訊協定
column-commitments = 已答覆的儲存承諾
commitments-open = { $n } 個待答覆
commitments-with-failures = { $n } 個有未保存的影像
commitments-failed = { $n } 個失敗
column-associations = 連接
column-instances = 已保存影像
column-size = 大小
column-refused = 未接收
column-conflicts = 衝突
log-size = 日誌佔用磁碟 { $size }。

# 訊息狀態。
state-accepted = 已接納
state-withheld = 不予存放
state-held = 待處理
state-rejected = 已拒收
state-discarded = 已放棄

# 待處理訊息。
held-title = 待處理訊息
held-none = 沒有待處理的訊息。
held-intro = 這些訊息已妥存於日誌，等候人手或其他資料。請先排除原因，預覽重新處理的結果，然後重新處理。
held-count = { $n ->
   *[other] { $n } 個訊息
}
what-to-do = 處理方法
what-to-do-lead = 處理方法：
preview-replay = 預覽重新處理的結果；加上 --yes 才會更改
column-messages = 訊息
column-first = 最早收到
column-last-received = 最近收到
repair = 說明及處理
class-syntax = 格式
class-profile = 來源設定
class-identity = 身分
class-consent = 同意
class-scope = 範圍
class-level = 結構
class-payload = 附件
class-capacity = 容量
class-hub = 系統

# 對照表未有的本地代碼。
conflicts-title = 影像衝突
conflicts-count = { $n ->
    [0] 沒有 SOP Instance UID 對應互相矛盾的影像。
   *[other] { $n } 個 SOP Instance UID 對應互相矛盾的影像。
}
conflicts-intro = 所有影像均予保存。請向發送方查明何者正確：以拒絕通知（IHE IOCM）可隱藏另一影像。
conflicts-persons = 已屬於另一人的影像暫存待處理
conflicts-caption = 按 SOP Instance UID 排列
conflicts-more = 尚有其他影像：以指令列出全部。
column-instance = SOP Instance UID
column-conflict = 衝突
column-readers = 讀者所見
in-study = 所屬檢查
conflict-study = 屬兩個檢查
conflict-series = 屬兩個系列
conflict-content = 內容不同
conflict-corrected = 由發送方更正
image-shown = 顯示
image-kept = 保存但不顯示
image-rejected = 已被拒絕
codes-title = 對照表未有的代碼
codes-none = 收到的代碼均已載於資料來源的對照表。
codes-intro = 這些本地代碼按原樣保存。請在資料來源的代碼對照表加入其含義，檢查設定並重新啟動系統，然後重新處理該資料來源，紀錄便會加上認可代碼。
codes-caption = 由最常見起排列。
codes-more = 尚有其他代碼：以指令列出全部。
column-code = 代碼
column-code-system = 編碼系統
column-code-name = 發送方名稱

# 訊息清單。
messages-title = 訊息
filter = 篩選
filter-any = 不限
filter-apply = 顯示
filter-clear = 顯示全部
messages-none = 沒有符合的訊息。
messages-newest = 最新
messages-older = 較早
messages-caption = 由新至舊排列。
column-received = 收到時間
column-kind = 類型
column-control-id = 控制編號
column-reason = 原因
no-control-id = 沒有

# 訊息歷程。
journey-title = 訊息歷程
journey-trace = 追蹤編號
journey-sender = 發送方
journey-size = 大小
journey-digest = 原始位元組的 SHA-256
journey-position = 日誌位置
journey-control-id-reused = 曾用於其他內容
journey-place = 訊息內的位置
journey-steps = 步驟
in-part = 部分接納，其餘不予存放：
step-received = 收到並妥存於日誌
step-after = { $span }後
step-by = 由
decisions = 決定
decisions-none = 無須作出決定。
column-domain = 資料類別
column-decision = 決定
column-rule = 規則
column-policy = 政策
permitted = 准許
withheld = 不予存放
records = 紀錄
records-none = 沒有儲存紀錄。
column-resource = 資源
column-version = 版本
column-stored = 儲存時間
record-current = 現行
record-former = 舊版
record-retracted = 已撤回
notes = 轉換時未使用的內容
whole-message = 整個訊息
notes-none = 全部內容均已使用。
column-note = 備註
column-place = 位置
journey-command = 以命令列查看
