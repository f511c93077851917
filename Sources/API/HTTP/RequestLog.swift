public import Logging
import Synchronization

/// What handlers add to the access-log line of a request, also after the response has begun.
public final class RequestLog: Sendable {
    private let fields = Mutex<Logger.Metadata>([:])

    /// Makes a log without fields.
    public init() {}

    /// The field `name`, such as `model`.
    public subscript(name: String) -> Logger.MetadataValue? {
        get { fields.withLock { $0[name] } }
        set { fields.withLock { $0[name] = newValue } }
    }

    /// All fields.
    var metadata: Logger.Metadata { fields.withLock { $0 } }
}
