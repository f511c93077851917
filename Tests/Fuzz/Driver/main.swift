import CFuzzer
import Glibc

// fuzz TARGET [libFuzzer's options] [corpus folders]
let named = CommandLine.arguments.dropFirst().first ?? ""
guard let target = FuzzTarget(rawValue: named) else {
    print(FuzzTarget.allCases.map(\.rawValue).joined(separator: "\n"))
    exit(named.isEmpty ? 0 : 2)
}
FuzzTarget.fuzzed = target
var count = CommandLine.argc - 1
// The fuzzer starts itself again by its first argument.
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
CommandLine.unsafeArgv[1] = CommandLine.unsafeArgv[0]
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        FuzzTarget.fuzzed.run(Array(UnsafeBufferPointer(start: data, count: size)))
        return 0
    }
)
