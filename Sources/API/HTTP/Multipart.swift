/// The head of one part of a `multipart/form-data` body.
public struct MultipartPart: Sendable {
    /// The form field's name.
    public let name: String
    /// The file name, where the part is a file.
    public let filename: String?
    /// The part's media type.
    public let contentType: String?
}

/// What a form may hold.
public struct MultipartLimits: Sendable {
    /// Parts at most.
    public var parts = 64
    /// Header bytes of one part at most.
    public var partHeadBytes = 8 << 10
    /// Bytes of a field without file name at most, since it is kept in memory.
    public var fieldBytes = 64 << 10

    /// Makes the defaults.
    public init() {}
}

/// Takes the content of one file of a form, in order.
public protocol ByteSink: Sendable {
    /// Takes the next bytes; returns when it can take more.
    func write(_ bytes: ArraySlice<UInt8>) async throws
}

/// The fields of a form whose files have gone to their sinks.
public struct MultipartForm: Sendable {
    /// The fields without file name, in order.
    public var fields: [(name: String, value: String)] = []
    /// The files in order, with their sizes in bytes.
    public var files: [(part: MultipartPart, bytes: Int)] = []

    /// The last value of a field.
    public subscript(name: String) -> String? {
        fields.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }
}
