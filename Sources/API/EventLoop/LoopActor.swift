/// The isolation of everything that belongs to the loop's thread.
@globalActor
public actor LoopActor {
    /// The one instance.
    public static let shared = LoopActor()

    /// The loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        EventLoop.shared.asUnownedSerialExecutor()
    }

    /// Enters the actor from a libuv callback, which runs on its thread but not in its isolation.
    public static func assumeIsolated<Result: Sendable>(
        _ body: @LoopActor () throws -> Result
    ) rethrows -> Result {
        EventLoop.shared.checkIsolated()
        typealias Plain = () throws -> Result
        return try withoutActuallyEscaping(body) { body in
            try unsafeBitCast(body, to: Plain.self)()
        }
    }
}
