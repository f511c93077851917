import CKernels

/// A floating point format of stored numbers.
public enum FloatFormat: Sendable {
    case f32, f16, bf16

    /// Bytes of one number.
    public var width: Int { self == .f32 ? 4 : 2 }

    var code: Int32 {
        switch self {
        case .f32: Int32(FK_F32)
        case .f16: Int32(FK_F16)
        case .bf16: Int32(FK_BF16)
        }
    }

    /// Widens `count` numbers to fp32, exactly.
    public func decode(
        _ source: UnsafeRawPointer,
        count: Int,
        into out: UnsafeMutablePointer<Float>
    ) {
        fk_to_f32(source, code, count, out)
    }

    /// Rounds `count` numbers to this format, ties to even.
    public func encode(
        _ source: UnsafePointer<Float>,
        count: Int,
        into out: UnsafeMutableRawPointer
    ) {
        fk_from_f32(source, count, code, out)
    }
}
