public import Storage
import Synchronization

/// Who asks the models that grade, for jobs: the server puts it here once its routes are made.
public final class GraderJudges: Sendable {
    private let make = Mutex<(@Sendable (TenantID) -> any GraderJudge)?>(nil)

    /// Nobody asks yet.
    public init() {}

    /// Says who asks models for a tenant's jobs.
    public func seat(_ make: @escaping @Sendable (TenantID) -> any GraderJudge) {
        self.make.withLock { $0 = make }
    }

    /// Who asks for a tenant.
    func judge(for tenant: TenantID) -> any GraderJudge {
        make.withLock { $0 }?(tenant) ?? AbsentJudge()
    }
}

/// Answers for a server that has not begun to answer.
private struct AbsentJudge: GraderJudge {
    private static let error = GraderError.notAnswered("The server does not answer yet.")

    func score(
        _: GraderQuestion,
        _: [(role: String, content: String)]
    ) async throws -> (score: Double?, tokens: Int) { throw Self.error }

    func reward(
        _: GraderQuestion,
        _: [(role: String, content: String)]
    ) async throws -> (score: Double?, tokens: Int) { throw Self.error }

    func label(
        _: GraderQuestion,
        _: [(role: String, content: String)],
        _: [String]
    ) async throws -> (label: String?, tokens: Int) { throw Self.error }
}
