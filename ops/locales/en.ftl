# The operators' pages. locales/zh-Hant.ftl says the same things; a test compares the two.

overview = Overview
studies = Studies
held = Held
messages = Messages
codes = Unknown codes

# The state in one sentence.
overview-title = Operations
level-good = All well.
level-warning = Look at this.
level-bad = Act now.
headline-flowing = { $feeds ->
    [one] The feed is working.
   *[other] All { $feeds } feeds are working.
}
headline-nothing-yet = { $feeds ->
    [one] The feed is open; nothing has been received yet.
   *[other] All { $feeds } feeds are open; nothing has been received yet.
}
headline-silent = { $feed } has been silent for { $span }; a message is expected every { $every }.
headline-down = The door of { $feed } is not open.
headline-behind = Messages wait too long to be processed: the oldest for { $span }.
headline-stopped = The hub is not running. These numbers are from its files.
nothing-waits = No message waits to be processed.
some-wait = { $messages ->
    [one] 1 message waits to be processed, since { $span }.
   *[other] { $messages } messages wait to be processed, the oldest for { $span }.
}
some-held = { $n ->
    [one] 1 message is held for a person to look at.
   *[other] { $n } messages are held for a person to look at.
}
as-of = As of

# Keeping fresh.
refresh = Refresh
pause-updates = Pause updates
resume-updates = Resume updates
updates-lost = The server does not answer. These numbers are old.

# Feeds.
feeds = Feeds
feeds-caption = Counts are since the beginning and never reset. The rate is of the last minute.
no-feeds = No feed is configured. Add a [[feed]] to the configuration, or run causeway demo.
column-feed = Feed
column-state = State
column-last = Last message
column-rate = Rate
column-oldest = Oldest waiting
column-ack = Ack p99
column-ack-long = 99 of 100 acknowledgements of the last minutes were sent within this time
column-spark = Last minutes
catch-all = takes what no other feed takes
never = never
feed-flowing = Flowing
feed-waiting = Waiting
feed-silent = Silent
feed-paused = Paused
feed-down = Closed
spark-title = Messages received in the last { $window }
spark-description = In steps of { $step }: highest { $highest }, latest { $latest }, in all { $total }.
spark-twin = { $total } in { $window }

# Pipeline.
pipeline = Pipeline
stage-receive = Receive
stage-log = Log
stage-map = Map
stage-decide = Consent
stage-store = Store
lag = Lag
behind = behind
images-title = Images
images-open = { $n } open
images-studies = Studies: { $open } may still grow, { $completed } became complete.
images-caption = Since the hub began. A conflict is an instance whose UID had been used for another one: both are kept.
images-conflicts = Which images contradict each other
failed-title = Associations refused or broken off
failed-why = Why
failed-no-feed = a caller of no feed
ended-rejected = Not let in: no feed has this AE title, address or certificate, or nothing it proposed is taken
ended-rejected-for-now = Sent away for now: too many associations, or the feed is paused
ended-aborted-by-peer = The sender broke off
ended-lost = The connection was lost
ended-timed-out = The sender said nothing for too long
ended-by-us = Broken off by the hub, which stopped or could not keep what came
ended-refused = What was refused went on without end
ended-not-understood = The sender broke the protocol
column-commitments = Commitments answered
commitments-open = { $n } open
commitments-with-failures = { $n } with images not kept
commitments-failed = { $n } failed
column-associations = Associations
column-instances = Instances stored
column-size = Size
column-refused = Not taken
column-conflicts = Conflicts
log-size = The log takes { $size } on disk.

# Messages by state.
state-accepted = Accepted
state-withheld = Withheld
state-held = Held
state-rejected = Rejected
state-discarded = Discarded

# Held messages.
held-title = Held messages
held-none = Nothing is held.
held-intro = These messages are safe in the log and wait for a person or a thing. Repair the cause, look at what a replay would do, then replay.
held-count = { $n ->
    [one] 1 message
   *[other] { $n } messages
}
what-to-do = What to do
what-to-do-lead = What to do:
preview-replay = See what a replay would do; nothing changes until --yes is added
column-messages = Messages
column-first = First received
column-last-received = Last received
repair = Explain and repair
class-syntax = Format
class-profile = Profile
class-identity = Identity
class-consent = Consent
class-scope = Scope
class-level = Structure
class-payload = Attachment
class-capacity = Capacity
class-hub = Hub

# Local codes that no table knows.
conflicts-title = Images in conflict
conflicts-count = { $n ->
    [0] No SOP Instance UID stands for images that contradict each other.
    [one] { $n } SOP Instance UID stands for images that contradict each other.
   *[other] { $n } SOP Instance UIDs stand for images that contradict each other.
}
conflicts-intro = Every image is kept. Ask the sender which one is right: a rejection note (IHE IOCM) hides the other.
conflicts-persons = Images that stand for another person are held
conflicts-caption = By SOP Instance UID
conflicts-more = There are more: the command lists all.
column-instance = SOP Instance UID
column-conflict = Conflict
column-readers = For readers
in-study = in study
conflict-study = In two studies
conflict-series = In two series
conflict-content = Contents differ
conflict-corrected = Corrected by its sender
image-shown = shown
image-kept = kept, not shown
image-rejected = rejected
codes-title = Codes that no table knows
codes-none = No code came that the tables of its feed do not know.
codes-intro = These local codes are kept as they were sent. Write what they stand for into a code table of the feed, check and restart the hub, then replay the feed: the records get the recognised codes.
codes-caption = Most frequent first.
codes-more = There are more: the command lists all.
column-code = Code
column-code-system = System
column-code-name = Called by the sender

# The list of messages.
messages-title = Messages
filter = Filter
filter-any = Any
filter-apply = Show
filter-clear = Show all
messages-none = No message fits.
messages-newest = Newest
messages-older = Older
messages-caption = Newest first.
column-received = Received
column-kind = Type
column-control-id = Control id
column-reason = Reason
no-control-id = none

# The journey of a message.
journey-title = Journey of a message
journey-trace = Trace id
journey-sender = Sender
journey-size = Size
journey-digest = SHA-256 of the bytes as received
journey-position = Place in the log
journey-control-id-reused = used before for other bytes
journey-place = Place in the message
journey-steps = Steps
in-part = In part; the rest was withheld:
step-received = Received and made durable in the log
step-after = after { $span }
step-by = by
decisions = Decisions
decisions-none = No decision was needed.
column-domain = Domain
column-decision = Decision
column-rule = Rule
column-policy = Policy
permitted = Permitted
withheld = Withheld
records = Records
records-none = No record was stored.
column-resource = Resource
column-version = Version
column-stored = Stored
record-current = current
record-former = former
record-retracted = taken back
notes = Not used by mapping
whole-message = whole message
notes-none = Everything was used.
column-note = Note
column-place = Place
journey-command = The same on the command line
