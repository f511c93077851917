import Foundation

/// The functions of an MPI library, found when a process is started by `mpirun`: nothing is linked, so the
/// executable runs where there is no MPI.
///
/// Open MPI's handles are addresses of objects in the library, MPICH's are numbers that its ABI fixes; as
/// arguments both fit a machine word.
///
/// Immutable: addresses of functions, found once.
struct MPILibrary: @unchecked Sendable {
    typealias Handle = UInt
    typealias InitThread =
        @convention(c) (
            UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?, Int32,
            UnsafeMutablePointer<Int32>
        ) -> Int32
    typealias Number = @convention(c) (Handle, UnsafeMutablePointer<Int32>) -> Int32
    typealias Gather =
        @convention(c) (
            UnsafeRawPointer?, Int32, Handle, UnsafeMutableRawPointer?, UnsafePointer<Int32>,
            UnsafePointer<Int32>, Handle, Handle
        ) -> Int32
    typealias Broadcast =
        @convention(c) (UnsafeMutableRawPointer?, Int32, Handle, Int32, Handle) -> Int32
    typealias Finalize = @convention(c) () -> Int32

    let world: Handle
    let byte: Handle
    let initThread: InitThread
    let rank: Number
    let size: Number
    let gather: Gather
    let broadcast: Broadcast
    let finalize: Finalize

    /// Which implementation started this process.
    private enum Kind {
        case openMPI, mpich

        /// The libraries' names, by their ABI.
        var names: [String] {
            switch self {
            case .openMPI: ["libmpi.so.40"]
            case .mpich: ["libmpich.so.12", "libmpi.so.12"]
            }
        }
    }

    /// The library of the `mpirun` that started this process; `nil` where none did, or for it alone.
    /// - Throws: `ProcessGroupError.noLibrary`.
    static func ofLauncher(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ProcessGroupError) -> MPILibrary? {
        func count(_ name: String) -> Int { environment[name].flatMap { Int($0) } ?? 0 }
        if count("OMPI_COMM_WORLD_SIZE") > 1 { return try MPILibrary(.openMPI) }
        if count("PMI_SIZE") > 1 { return try MPILibrary(.mpich) }
        return nil
    }

    private init(_ kind: Kind) throws(ProcessGroupError) {
        // Open MPI opens parts of its own, which look for the library's names among the global ones.
        guard
            let library = kind.names.lazy.compactMap({ dlopen($0, RTLD_NOW | RTLD_GLOBAL) }).first
        else {
            throw .noLibrary(dlerror().map { String(cString: $0) } ?? kind.names[0])
        }
        func symbol(_ name: String) throws(ProcessGroupError) -> UnsafeMutableRawPointer {
            guard let found = dlsym(library, name) else {
                throw .noLibrary("\(kind.names[0]) has no \(name)")
            }
            return found
        }
        switch kind {
        case .openMPI:
            world = Handle(bitPattern: try symbol("ompi_mpi_comm_world"))
            byte = Handle(bitPattern: try symbol("ompi_mpi_byte"))
        case .mpich:
            world = 0x4400_0000
            byte = 0x4c00_010d
        }
        initThread = unsafeBitCast(try symbol("MPI_Init_thread"), to: InitThread.self)
        rank = unsafeBitCast(try symbol("MPI_Comm_rank"), to: Number.self)
        size = unsafeBitCast(try symbol("MPI_Comm_size"), to: Number.self)
        gather = unsafeBitCast(try symbol("MPI_Allgatherv"), to: Gather.self)
        broadcast = unsafeBitCast(try symbol("MPI_Bcast"), to: Broadcast.self)
        finalize = unsafeBitCast(try symbol("MPI_Finalize"), to: Finalize.self)
    }
}
