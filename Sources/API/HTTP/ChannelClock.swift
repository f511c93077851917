/// The time limits of one connection, all on one timer.
///
/// A timer that is set early is left alone when its time moves on; it looks again when it fires.
/// So a busy connection costs no timer call per request.
@LoopActor
final class ChannelClock {
    /// Whose time is up.
    enum Alarm {
        /// The client, with what the connection waited for.
        case client
        /// The client, in taking what was sent.
        case write
        /// The handler has been silent; these bytes are to be sent.
        case silence([UInt8])
    }

    private let timeouts: HTTPTimeouts
    private let ring: @LoopActor (Alarm) -> Void
    private var timer: LoopTimer?
    private var armedFor: ContinuousClock.Instant?
    private var waiting = HTTPConnection.Waiting.nothing
    private var clientDeadline: ContinuousClock.Instant?
    /// How long the body of this request has been waited for, and since when it is again.
    private var bodyWait = Duration.zero
    private var bodyWaitBegan: ContinuousClock.Instant?
    private var writeDeadline: ContinuousClock.Instant?
    private var queuedBytes = 0
    private var filler: HTTPBodyStream.Filler?
    private var silenceDeadline: ContinuousClock.Instant?

    init(_ timeouts: HTTPTimeouts, _ ring: @escaping @LoopActor (Alarm) -> Void) throws(UVError) {
        self.timeouts = timeouts
        self.ring = ring
        timer = try LoopTimer { [weak self] in self?.look() }
    }

    /// Says what the connection waits for; `progress` is news from the client, `bodyBytes` how much
    /// of the body has come.
    func set(_ waiting: HTTPConnection.Waiting, progress: Bool, bodyBytes: Int) {
        if waiting != self.waiting || progress && waiting == .body {
            self.waiting = waiting
            clientDeadline = limit(of: waiting).map { .now + $0 }
            limitBody(bodyBytes)
        }
        arm()
    }

    /// Begins to count the time for the body of another request.
    func beginBody() {
        bodyWait = .zero
        bodyWaitBegan = nil
    }

    /// A client that sends a byte now and then would hold its body for ever: all waits together
    /// have the time for one wait, and a second for each `slowestBody` bytes.
    private func limitBody(_ bodyBytes: Int) {
        let now = ContinuousClock.now
        if let began = bodyWaitBegan { bodyWait += began.duration(to: now) }
        bodyWaitBegan = waiting == .body ? now : nil
        guard waiting == .body, let deadline = clientDeadline else { return }
        let allowed = timeouts.body + .seconds(bodyBytes / HTTPConnection.slowestBody)
        clientDeadline = min(deadline, now + max(.zero, allowed - bodyWait))
    }

    /// Says how much is queued; less than before is progress.
    func note(queuedBytes: Int) {
        if queuedBytes == 0 {
            writeDeadline = nil
        } else if writeDeadline == nil || queuedBytes < self.queuedBytes {
            writeDeadline = .now + timeouts.write
        }
        self.queuedBytes = queuedBytes
    }

    /// Fills the handler's silences, or no more.
    func fillSilence(with filler: HTTPBodyStream.Filler?) {
        self.filler = filler
        didSpeak()
        arm()
    }

    /// The handler has said something.
    func didSpeak() { silenceDeadline = filler.map { .now + $0.interval } }

    /// Ends the timer.
    func close() {
        timer?.close()
        timer = nil
    }

    private func limit(of waiting: HTTPConnection.Waiting) -> Duration? {
        switch waiting {
        case .head: timeouts.head
        case .idle: timeouts.idle
        case .body: timeouts.body
        case .halfClosed: timeouts.halfClosed
        case .linger: timeouts.linger
        case .nothing: nil
        }
    }

    private func arm() {
        let deadlines = [clientDeadline, writeDeadline, silenceDeadline]
        guard let next = deadlines.compactMap({ $0 }).min() else { return }
        if let armedFor, armedFor <= next { return }
        armedFor = next
        timer?.start(after: ContinuousClock.now.duration(to: next))
    }

    private func look() {
        armedFor = nil
        let now = ContinuousClock.now
        if let deadline = clientDeadline, deadline <= now {
            clientDeadline = nil
            ring(.client)
        }
        if let deadline = writeDeadline, deadline <= now {
            writeDeadline = nil
            ring(.write)
        }
        if let filler, let deadline = silenceDeadline, deadline <= now {
            didSpeak()
            ring(.silence(filler.bytes))
        }
        arm()
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
