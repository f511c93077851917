import Foundation
import InferenceRuntime
import Testing

/// What a safetensors file may and may not be.
@Suite("Safetensors files are checked before they are believed")
struct SafetensorsTests {
    /// A file with a header and a number of data bytes.
    private func file(_ header: String, data: Int, length: UInt64? = nil) throws -> SafetensorsFile
    {
        try file(bytes(header, data: data, length: length))
    }

    private func bytes(_ header: String, data: Int, length: UInt64? = nil) -> [UInt8] {
        let text = Array(header.utf8)
        let size = length ?? UInt64(text.count)
        let prefix = (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * UInt64($0))) }
        return prefix + text + [UInt8](repeating: 7, count: data)
    }

    private func file(_ bytes: [UInt8]) throws -> SafetensorsFile {
        let path = NSTemporaryDirectory() + "facet-\(UUID().uuidString).safetensors"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try SafetensorsFile(path: path)
    }

    @Test("a good file gives its tensors")
    func good() throws {
        let file = try file(
            #"{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},"#
                + #""a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},"#
                + #""none":{"dtype":"I64","shape":[0,5],"data_offsets":[28,28]}}   "#,
            data: 28
        )
        #expect(file.metadata["format"] == "pt")
        #expect(file["a"]?.shape == [2])
        #expect(file["b"]?.count == 6)
        #expect(file["none"]?.count == 0)
        #expect(file["c"] == nil)
    }

    @Test("names that only look alike are different names")
    func normalization() throws {
        let file = try file(
            "{\"\u{E9}\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                + "\"e\u{301}\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
            data: 3
        )
        #expect(file["\u{E9}"]?.count == 1)
        #expect(file["e\u{301}"]?.count == 2)
    }

    static let hostile: [(header: String, data: Int)] = [
        // Offsets past the end, backwards, negative, huge.
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 3),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}"#, 4),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}"#, 4),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[9223372036854775804,9223372036854775807]}}"#,
            4
        ),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[1e30,1e31]}}"#, 4),
        // Overlap, gap, bytes that belong to nobody.
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}"#,
            6
        ),
        (
            #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[5,6]}}"#,
            6
        ),
        (#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, 5),
        (#"{}"#, 5),
        // Sizes that do not fit the type, or nothing at all.
        (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}"#, 4),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0),
        (
            #"{"a":{"dtype":"U8","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,1]}}"#,
            1
        ),
        (#"{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, 1),
        (
            #"{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}"#,
            1
        ),
        // Types and fields nobody knows.
        (#"{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}"#, 1),
        (#"{"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}}"#, 1),
        (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}"#, 1),
        (#"{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}"#, 1),
        (#"{"a":{"shape":[1],"data_offsets":[0,1]}}"#, 1),
        (#"{"a":{"dtype":"U8","data_offsets":[0,1]}}"#, 1),
        (#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, 1),
        (#"{"a":7}"#, 0),
        (#"{"__metadata__":{"a":7}}"#, 0),
        // The same name twice.
        (
            #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            2
        ),
        // No header, or not one.
        ("", 0), ("[]", 0), ("  {}", 0), ("{", 0), (#"{"a":"#, 3),
        (String(repeating: #"{"a":"#, count: 2000), 0),
    ]

    @Test("a header that lies is refused", arguments: 0..<hostile.count)
    func refused(_ index: Int) {
        let (header, data) = Self.hostile[index]
        #expect(throws: CheckpointError.self) { try file(header, data: data) }
    }

    @Test("a header length beyond the file, or beyond reason, is refused")
    func lengths() {
        for length: UInt64 in [3, 100, 100_000_001, .max, 1 << 63] {
            #expect(throws: CheckpointError.self) { try file("{}", data: 0, length: length) }
        }
        for count in 0..<8 {
            let short = [UInt8](repeating: 0, count: count)
            #expect(throws: CheckpointError.self) { try file(short) }
        }
    }

    @Test("invalid UTF-8 in a name is refused")
    func invalidUTF8() {
        var bytes = bytes(#"{"aa":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1)
        bytes[10] = 0xFF
        let damaged = bytes
        #expect(throws: CheckpointError.self) { try file(damaged) }
    }

    @Test("every truncation of a real file is refused")
    func truncations() throws {
        let whole = bytes(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, data: 4)
        #expect(try file(whole)["a"]?.count == 4)
        for count in 0..<whole.count {
            #expect(throws: CheckpointError.self) { try file(Array(whole.prefix(count))) }
        }
    }
}
