/// The element types of safetensors files.
public enum TensorType: String, Sendable, Hashable, CaseIterable {
    case bool = "BOOL"
    case u8 = "U8"
    case i8 = "I8"
    case f8e5m2 = "F8_E5M2"
    case f8e4m3 = "F8_E4M3"
    case f8e8m0 = "F8_E8M0"
    case i16 = "I16"
    case u16 = "U16"
    case f16 = "F16"
    case bf16 = "BF16"
    case i32 = "I32"
    case u32 = "U32"
    case f32 = "F32"
    case f64 = "F64"
    case i64 = "I64"
    case u64 = "U64"

    /// Bytes of one element.
    public var width: Int {
        switch self {
        case .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0: 1
        case .i16, .u16, .f16, .bf16: 2
        case .i32, .u32, .f32: 4
        case .f64, .i64, .u64: 8
        }
    }

    /// The format weights are computed from; nil for types that are no weights here.
    public var floatFormat: FloatFormat? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        default: nil
        }
    }
}

/// One tensor of a safetensors file: its name, how it is stored, and its bytes.
///
/// The bytes are valid as long as the file is kept.
///
/// Immutable: read-only bytes of a mapped file.
public struct Tensor: @unchecked Sendable {
    /// The name in the header.
    public let name: String
    /// The element type.
    public let type: TensorType
    /// The extents, outermost first; empty for a scalar.
    public let shape: [Int]
    /// Row-major elements.
    public let bytes: UnsafeRawBufferPointer
    /// What keeps the bytes.
    public let file: MemoryMappedFile

    /// Number of elements.
    public var count: Int { bytes.count / type.width }
}
