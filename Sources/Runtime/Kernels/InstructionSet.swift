import CKernels

/// What the kernels are compiled for; chosen at run time, `FACET_ISA` forces one.
public enum InstructionSet: String, Sendable, CaseIterable {
    case avx512vnni, avx512, avx2, neon, portable

    /// The set in use by this process.
    public static var current: InstructionSet {
        let isa = fk_isa()
        return allCases.first { $0.code == isa } ?? .portable
    }

    /// Whether this machine can run the set.
    public var isSupported: Bool { fk_isa_supported(code) != 0 }

    /// Makes the whole process use a set, or choose by itself again: for tests and measurements.
    package static func force(_ set: InstructionSet?) { fk_isa_force(set?.code ?? -1) }

    private var code: Int32 {
        switch self {
        case .portable: Int32(FK_ISA_PORTABLE)
        case .neon: Int32(FK_ISA_NEON)
        case .avx2: Int32(FK_ISA_AVX2)
        case .avx512: Int32(FK_ISA_AVX512)
        case .avx512vnni: Int32(FK_ISA_AVX512VNNI)
        }
    }
}
