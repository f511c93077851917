/// The processes that `mpirun` started, over MPI.
///
/// Owner: one thread at a time calls it.
public final class MPIGroup: ProcessGroup {
    /// This process's number, from 0.
    public let rank: Int
    /// How many processes there are.
    public let count: Int
    private let library: MPILibrary
    /// Counts and places are 32 bits wide in MPI: longer texts go in pieces of so many bytes a process.
    private static let pieceBytes = 1 << 24

    /// The group this process was started in; `nil` where it was started alone.
    /// - Throws: `ProcessGroupError`.
    public static func ofLauncher() throws(ProcessGroupError) -> MPIGroup? {
        guard let library = try MPILibrary.ofLauncher() else { return nil }
        return try MPIGroup(library)
    }

    private init(_ library: MPILibrary) throws(ProcessGroupError) {
        self.library = library
        var provided: Int32 = 0
        // MPI_THREAD_SERIALIZED: one thread at a time, not always the same.
        try Self.check("MPI_Init_thread", library.initThread(nil, nil, 2, &provided))
        guard provided >= 2 else {
            throw .noLibrary("it can't be called from more than one thread")
        }
        var (rank, size): (Int32, Int32) = (0, 0)
        try Self.check("MPI_Comm_rank", library.rank(library.world, &rank))
        try Self.check("MPI_Comm_size", library.size(library.world, &size))
        self.rank = Int(rank)
        count = Int(size)
    }

    /// Leaves the group: to be called by all at the end.
    ///
    /// A process that ends without ends the others.
    public func leave() { _ = library.finalize() }

    /// What each process has, in the order of their numbers.
    /// - Throws: `ProcessGroupError`.
    public func gather(_ own: [UInt8]) throws -> [[UInt8]] {
        let lengths = try gatherPiece(bytes(of: own.count)[...], Array(repeating: 8, count: count))
            .map(Self.number)
        var all = lengths.map { length -> [UInt8] in
            var part: [UInt8] = []
            part.reserveCapacity(length)
            return part
        }
        for first in stride(from: 0, to: lengths.max() ?? 0, by: Self.pieceBytes) {
            let piece = { (length: Int) in min(max(length - first, 0), Self.pieceBytes) }
            let mine = own.dropFirst(first).prefix(Self.pieceBytes)
            for (process, part) in try gatherPiece(mine, lengths.map(piece)).enumerated() {
                all[process] += part
            }
        }
        return all
    }

    /// What process 0 has, for all.
    /// - Throws: `ProcessGroupError`.
    public func broadcast(_ own: [UInt8]) throws -> [UInt8] {
        var length = bytes(of: rank == 0 ? own.count : 0)
        try broadcastPiece(&length, 0..<8)
        var all = rank == 0 ? own : Array(repeating: 0, count: Self.number(length))
        for first in stride(from: 0, to: all.count, by: Self.pieceBytes) {
            try broadcastPiece(&all, first..<min(first + Self.pieceBytes, all.count))
        }
        return all
    }

    /// One piece of each process, of these lengths.
    private func gatherPiece(
        _ own: ArraySlice<UInt8>,
        _ lengths: [Int]
    ) throws(ProcessGroupError) -> [[UInt8]] {
        var places: [Int32] = []
        var total: Int32 = 0
        for length in lengths {
            places.append(total)
            let (sum, isTooLarge) = total.addingReportingOverflow(Int32(length))
            guard !isTooLarge else { throw .failed(function: "MPI_Allgatherv", code: 0) }
            total = sum
        }
        var all = [UInt8](repeating: 0, count: Int(total))
        let code = own.withUnsafeBytes { own in
            all.withUnsafeMutableBytes { all in
                library.gather(
                    own.baseAddress,
                    Int32(own.count),
                    library.byte,
                    all.baseAddress,
                    lengths.map(Int32.init),
                    places,
                    library.byte,
                    library.world
                )
            }
        }
        try Self.check("MPI_Allgatherv", code)
        return zip(places, lengths).map { Array(all[Int($0)..<Int($0) + $1]) }
    }

    private func broadcastPiece(
        _ all: inout [UInt8],
        _ range: Range<Int>
    ) throws(ProcessGroupError) {
        let code = all.withUnsafeMutableBytes { all in
            library.broadcast(
                all.baseAddress.map { $0 + range.lowerBound },
                Int32(range.count),
                library.byte,
                0,
                library.world
            )
        }
        try Self.check("MPI_Bcast", code)
    }

    private func bytes(of number: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt64(number).littleEndian, Array.init)
    }

    private static func number(_ bytes: [UInt8]) -> Int {
        Int(bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    private static func check(_ function: String, _ code: Int32) throws(ProcessGroupError) {
        guard code == 0 else { throw .failed(function: function, code: Int(code)) }
    }
}
