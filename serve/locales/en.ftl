# The page shell: navigation, units, errors. locales/zh-Hant.ftl says the same things; a test compares the two.

skip-to-content = Skip to the content
synthetic-data = Demonstration: every person and every message is synthetic.
navigation = Pages
languages = Languages
footer-times = Times are Hong Kong time (UTC+8).

# Units. $n is a number that is formatted already, or a count.
just-now = just now
ago = { $span } ago
unit-milliseconds = { $n } ms
unit-seconds = { $n } s
unit-minutes = { $n } min
unit-minutes-seconds = { $n } min { $m } s
unit-hours = { $n } h
unit-hours-minutes = { $n } h { $m } min
unit-days = { $n } d
unit-days-hours = { $n } d { $m } h
rate-second = { $n }/s
rate-minute = { $n }/min

# Errors: a title and what to do.
problem-home = Go to the operators’ page
problem-bad-request-title = The request cannot be understood
problem-bad-request-fix = Check the address, or start again from the operators’ page.
problem-host-missing-title = The request names no host
problem-host-missing-fix = Send exactly one Host header.
problem-not-found-title = There is nothing here
problem-not-found-fix = Check the address. A message may also have left the log and the repository.
problem-method-not-allowed-title = The method is not taken here
problem-method-not-allowed-fix = Use one of the methods named in the Allow header.
problem-too-slow-title = The request did not come in time
problem-too-slow-fix = Send it again without pauses.
problem-too-large-title = The request is too large
problem-too-large-fix = Send less at once, or raise the limit: body_bytes_max in [server.limits]; at a door for HL7, frame_bytes_max of the feed.
problem-content-type-title = The content type is not taken
problem-content-type-fix = Send one of the content types that the document of this door names, without a content encoding; HL7 as application/hl7-v2.
problem-host-not-ours-title = The host name is not one of this server
problem-host-not-ours-fix = Use localhost, the address of this server, or add the name to hosts in [server.limits].
problem-invalid-title = The content is not valid
problem-invalid-fix = Correct it and send it again.
problem-internal-title = The server made a mistake
problem-internal-fix = Try again. If it stays, look into the log and run causeway doctor.
problem-unavailable-title = The server cannot answer now
problem-unavailable-fix = Try again in a moment. If it stays, run causeway doctor.
