// Times loading and encoding: bench-tokenizer FOLDER TEXT REPETITIONS. Compiled together with the
// tokenizer's sources by scripts/bench-tokenizer, so that no other part of facet is built for it.
import Glibc

func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

func contents(_ path: String) -> String {
    guard let file = fopen(path, "rb") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 26)
    return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
}

let arguments = CommandLine.arguments
let text = contents(arguments[2])
let start = now()
let tokenizer = try Tokenizer(folder: arguments[1])
let loading = now() - start
var best = Double.infinity
var count = 0
for _ in 0..<(Int(arguments[3]) ?? 5) {
    let start = now()
    count = tokenizer.encode(text, addSpecialTokens: false, parseSpecial: true).count
    best = min(best, now() - start)
}
print(loading, best, count)
