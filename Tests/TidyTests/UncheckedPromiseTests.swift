import Testing

@Suite("Promises to the compiler")
struct UncheckedPromiseTests {
    @Test("every unchecked promise names the thread that owns the thing, or a reason that holds")
    func promises() {
        for promise in TidyTests.sources.flatMap(UncheckedPromise.all) {
            let fault = promise.fault
            #expect(fault == nil, "\(promise.file.path):\(promise.index + 1): \(fault ?? "")")
        }
    }

    @Test(
        "reasons that hold",
        arguments: [
            "// Owner: the loop's thread.\nfinal class A: @unchecked Sendable {\n}",
            "// Immutable: as it is.\nfinal class A: @unchecked Sendable {\n    let x = 1\n}",
            "/// A.\n// Guarded by lock: both.\nclass A: @unchecked Sendable {\n    let lock = 1\n}",
            "    // Thread-safe: f may be called.\n    nonisolated(unsafe) let x = 1\nf()",
        ]
    )
    func holds(_ text: String) {
        #expect(Self.faults(text) == [nil])
    }

    @Test(
        "reasons that do not",
        arguments: [
            "// It is a thing.\nfinal class A: @unchecked Sendable {\n}",
            "// Owner: somebody.\nfinal class A: @unchecked Sendable {\n}",
            "// Immutable: no.\nfinal class A: @unchecked Sendable {\n    private var x = 1\n}",
            "// Guarded by lock: x.\nclass A: @unchecked Sendable {\n    var x = 1\n}",
            "// Thread-safe: g may be called.\nnonisolated(unsafe) let x = 1\nf()",
            "// Owner: the loop's thread.\n\nfinal class A: @unchecked Sendable {\n}",
            "final class A: @unchecked Sendable {  // Owner: the loop's thread.\n}",
        ]
    )
    func doesNotHold(_ text: String) {
        #expect(Self.faults(text).allSatisfy { $0 != nil })
    }

    private static func faults(_ text: String) -> [String?] {
        UncheckedPromise.all(in: SourceFile(path: "Sources/M/A.swift", text: text)).map(\.fault)
    }
}
