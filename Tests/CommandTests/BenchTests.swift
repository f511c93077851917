import Foundation
import Testing

/// `facet bench` on a model that is small enough for every machine.
@Suite("facet bench", .serialized)
struct BenchTests {
    /// One line of the results.
    private struct Line: Decodable {
        let test: String
        let tokens: Int, streams: Int, adapters: Int, rank: Int, resident_bytes: Int
        let compute_dtype: String
        let tokens_per_second: Double, seconds: Double

        /// What was measured, without the measurement.
        var what: String { "\(test) \(streams)/\(adapters)/\(rank)" }
    }

    private struct Answer: Decodable {
        let ceilings: [String: Double]
        let results: [Line]
    }

    @Test("one JSON object has every test, the machine and its peaks, and numbers that agree")
    func everything() throws {
        let run = try FacetProcess("bench", "--shape", "tiny", "--threads", "1", "--json")
        try #require(run.status == 0, "\(run.errors)")
        let data = Data(run.output.utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(Set(object.keys) == ["machine", "ceilings", "results"])
        let machine = try #require(object["machine"] as? [String: Any])
        #expect(machine["threads"] as? Int == 1)
        let answer = try JSONDecoder().decode(Answer.self, from: data)
        #expect(
            Set(answer.ceilings.keys) == ["read_gbps", "int8_gops", "bf16_gflops", "fp32_gflops"]
        )
        for (name, value) in answer.ceilings where name != "bf16_gflops" { #expect(value > 0) }
        let lines = answer.results
        #expect(
            lines.map(\.what) == [
                "prefill 1/0/0", "decode 1/0/0", "decode 1/1/16", "decode 4/0/0", "decode 16/0/0",
                "decode 32/0/0", "decode 16/16/16", "adapter_load 0/1/16", "adapter_load 0/1/16",
                "train 4/1/16",
            ]
        )
        for line in lines {
            #expect(line.compute_dtype == "int8" && line.seconds > 0)
            #expect(line.resident_bytes > 1 << 20)
            let tokens = line.tokens_per_second * line.seconds
            #expect(abs(tokens - Double(line.tokens)) < 1e-6 * tokens + 1e-6)
            if line.test == "decode" { #expect(line.tokens >= line.streams) }
        }
        #expect(lines.first?.tokens == 512 && lines.last?.tokens == 1024)
    }

    @Test("the table says what was chosen, in the compute mode that was asked for")
    func table() throws {
        let run = try FacetProcess(
            "bench",
            "--shape",
            "tiny",
            "--threads",
            "1",
            "--tests",
            "decode",
            "--compute-dtype",
            "fp32"
        )
        try #require(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("tiny, fp32"))
        #expect(run.output.contains("decode, 1 stream, with adapter"))
        #expect(!run.output.contains("prefill"))
    }

    @Test("what it does not know it refuses", arguments: ["--tests=speed", "--shape=gpt"])
    func refusals(_ argument: String) throws {
        let run = try FacetProcess("bench", argument)
        #expect(run.status == 64)
        #expect(run.output.isEmpty && run.errors.contains(argument.split(separator: "=")[1]))
    }
}
