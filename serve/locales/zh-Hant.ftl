# 頁面外框：導覽、單位、錯誤。與 locales/en.ftl 內容一致，由測試核對。

skip-to-content = 跳到內容
synthetic-data = 示範環境：所有人物及訊息均為虛構。
navigation = 頁面
languages = 語言
footer-times = 時間為香港時間（UTC+8）。

# 單位。
just-now = 剛剛
ago = { $span }前
unit-milliseconds = { $n } 毫秒
unit-seconds = { $n } 秒
unit-minutes = { $n } 分鐘
unit-minutes-seconds = { $n } 分 { $m } 秒
unit-hours = { $n } 小時
unit-hours-minutes = { $n } 小時 { $m } 分鐘
unit-days = { $n } 天
unit-days-hours = { $n } 天 { $m } 小時
rate-second = 每秒 { $n }
rate-minute = 每分鐘 { $n }

# 錯誤：標題及處理方法。
problem-home = 前往運作頁面
problem-bad-request-title = 無法理解這個要求
problem-bad-request-fix = 請檢查網址，或由運作頁面重新開始。
problem-host-missing-title = 要求沒有列明主機
problem-host-missing-fix = 請傳送一個（且僅一個）Host 標頭。
problem-not-found-title = 這裏沒有內容
problem-not-found-fix = 請檢查網址。訊息亦可能已離開日誌及資料庫。
problem-method-not-allowed-title = 此處不接受這種方法
problem-method-not-allowed-fix = 請使用 Allow 標頭所列的方法。
problem-too-slow-title = 要求未能及時送達
problem-too-slow-fix = 請不間斷地重新傳送。
problem-too-large-title = 要求過大
problem-too-large-fix = 請分次傳送，或調高上限：[server.limits] 的 body_bytes_max；HL7 接口則為資料來源的 frame_bytes_max。
problem-content-type-title = 不接受此內容類型
problem-content-type-fix = 請使用此接口文件所列的內容類型，且不作內容編碼；HL7 請用 application/hl7-v2。
problem-host-not-ours-title = 主機名稱不屬於此伺服器
problem-host-not-ours-fix = 請使用 localhost 或此伺服器的位址，或將名稱加入 [server.limits] 的 hosts。
problem-invalid-title = 內容無效
problem-invalid-fix = 請更正後重新傳送。
problem-internal-title = 伺服器出錯
problem-internal-fix = 請再試一次。如仍未解決，請查看日誌並執行 causeway doctor。
problem-unavailable-title = 伺服器暫時未能回應
problem-unavailable-fix = 請稍後再試。如仍未解決，請執行 causeway doctor。
