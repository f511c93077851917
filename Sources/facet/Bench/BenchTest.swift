import ArgumentParser

/// What `facet bench` measures.
enum BenchTest: String, CaseIterable {
    /// Reading a prompt of 512 tokens.
    case prefill
    /// One answer at a time, without and with an adapter.
    case decode
    /// 4, 16 and 32 answers at a time.
    case batched
    /// 16 answers at a time, each through an adapter of its own.
    case mixed
    /// An adapter that is on disk only: not read lately, and just read.
    case adapterLoad = "adapter_load"
    /// An optimizer step over 4 × 256 tokens.
    case train
    /// An optimizer step over two pairs of answers of 256 tokens each; only where it is asked for.
    case preference
}

/// Tests by name, with commas between.
struct BenchTestList: ExpressibleByArgument {
    let tests: [BenchTest]

    static let all = BenchTestList(tests: BenchTest.allCases.filter { $0 != .preference })

    init(tests: [BenchTest]) { self.tests = tests }

    init?(argument: String) {
        var tests: [BenchTest] = []
        for name in argument.split(separator: ",") {
            guard let test = BenchTest(rawValue: String(name)) else { return nil }
            tests.append(test)
        }
        if tests.isEmpty { return nil }
        self.tests = tests
    }

    var defaultValueDescription: String { "all" }
}
