import InferenceRuntime

/// The processes that train one adapter together.
///
/// All of them do every step: each computes its share
/// of a step's passes, all get all gradients, sum them in the same order, and so keep the same parameters.
///
/// Every function is called by all processes, in the same order.
public protocol ProcessGroup: Sendable {
    /// This process's number, from 0.
    var rank: Int { get }
    /// How many processes there are.
    var count: Int { get }

    /// What each process has, in the order of their numbers.
    /// - Throws: `ProcessGroupError`.
    func gather(_ own: [UInt8]) throws -> [[UInt8]]

    /// What process 0 has, for all.
    /// - Throws: `ProcessGroupError`.
    func broadcast(_ own: [UInt8]) throws -> [UInt8]
}

/// Processes that can't train together.
public enum ProcessGroupError: Error, Hashable, CustomStringConvertible {
    /// The library that connects them can't be used; why.
    case noLibrary(String)
    /// A function of the library failed, with its number.
    case failed(function: String, code: Int)
    /// The processes were started with something different; what.
    case differs(String)

    /// A sentence for people.
    public var description: String {
        switch self {
        case .noLibrary(let why):
            "mpirun started this process, but MPI can't be used: \(why). Install Open MPI's or MPICH's "
                + "library on every machine (Debian: openmpi-bin)."
        case .failed(let function, let code):
            "\(function) failed with code \(code): the processes lost each other. The run goes on from its "
                + "last checkpoint when it is started again."
        case .differs(let what):
            "The processes that train together differ in their \(what): give all of them the same "
                + "files and options."
        }
    }
}

extension ProcessGroup {
    /// Which of so many passes this process computes: neighbours, so that the shares in the order of the
    /// processes are the passes in their order.
    func share(of passes: Int) -> Range<Int> {
        passes * rank / count..<passes * (rank + 1) / count
    }

    /// Whether any process says so.
    func any(_ own: Bool) throws -> Bool {
        try gather([own ? 1 : 0]).contains { $0 == [1] }
    }

    /// - Throws: `ProcessGroupError.differs` where the processes were not given the same.
    func check(_ fingerprint: [String: String]) throws {
        for what in fingerprint.keys.sorted() {
            let values = try gather(Array((fingerprint[what] ?? "").utf8))
            guard Set(values).count <= 1 else { throw ProcessGroupError.differs(what) }
        }
    }

    /// How the targets of all passes did, in their order.
    func gather(_ own: [TokenScore]) throws -> [TokenScore] {
        let numbers = own.map { ($0.logProbability.bitPattern, UInt32($0.isCorrect ? 1 : 0)) }
        let bytes = numbers.withUnsafeBytes { Array($0) }
        return try gather(bytes).flatMap { part in
            part.withUnsafeBytes { part in
                part.bindMemory(to: (UInt32, UInt32).self).map { bits, correct in
                    TokenScore(logProbability: Float(bitPattern: bits), isCorrect: correct == 1)
                }
            }
        }
    }
}
