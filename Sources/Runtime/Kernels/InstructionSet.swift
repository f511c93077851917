import CKernels
import Glibc

/// What the kernels are compiled for; chosen at run time, `FACET_ISA` forces one.
public enum InstructionSet: String, Sendable, CaseIterable {
    case avx512vnni, avx512, avx2, neon, portable

    /// The set in use by this process.
    public static var current: InstructionSet {
        let isa = fk_isa()
        return allCases.first { $0.code == isa } ?? .portable
    }

    /// Checks what `FACET_ISA` asks for; the kernels alone would go on with the best set of the machine.
    ///
    /// - Throws: `InstructionSetError` for a name that is no set, or one that this machine cannot run.
    public static func checkEnvironment() throws(InstructionSetError) {
        guard let value = getenv("FACET_ISA") else { return }
        try check(String(cString: value))
    }

    package static func check(_ name: String) throws(InstructionSetError) {
        guard InstructionSet(rawValue: name)?.isSupported == true else {
            throw InstructionSetError(name: name)
        }
    }

    /// Whether this machine can run the set.
    public var isSupported: Bool { fk_isa_supported(code) != 0 }

    /// The kernels' number of the set.
    package var code: Int32 {
        switch self {
        case .portable: Int32(FK_ISA_PORTABLE)
        case .neon: Int32(FK_ISA_NEON)
        case .avx2: Int32(FK_ISA_AVX2)
        case .avx512: Int32(FK_ISA_AVX512)
        case .avx512vnni: Int32(FK_ISA_AVX512VNNI)
        }
    }
}

/// `FACET_ISA` asks for what cannot be had.
public struct InstructionSetError: Error, CustomStringConvertible {
    /// What was asked for.
    public let name: String

    /// What is wrong, and what can be asked for.
    public var description: String {
        let known = InstructionSet(rawValue: name) != nil
        let reason = known ? "this machine cannot run it" : "there is no such instruction set"
        let sets = InstructionSet.allCases.filter(\.isSupported).map(\.rawValue)
        return
            "FACET_ISA=\(name): \(reason). Use one of \(sets.joined(separator: ", ")), or unset it."
    }
}
