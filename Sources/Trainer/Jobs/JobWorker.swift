import Foundation

/// A server as one that works on jobs.
public struct JobWorker: Sendable {
    /// Tells servers apart, and one process from the next of the same server.
    public let name: String
    /// Seconds for which a job is its own after it last asked for it.
    public let leaseSeconds: Int

    /// A worker of this process.
    public init(leaseSeconds: Int = 15) {
        name = "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)"
        self.leaseSeconds = leaseSeconds
    }
}
