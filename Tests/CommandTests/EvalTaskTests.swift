import Foundation
import Testing

/// `facet eval --task` against what lm-evaluation-harness said of the same tasks (`scripts/check-lm-eval`).
@Suite("facet eval --task", .serialized)
struct EvalTaskTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    private static let fixture = root + "/Tests/Fixtures/tasks"
    private static let model = ["--model", root + "/demo/base", "--compute-dtype", "fp32"]

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("every number is that of lm-evaluation-harness")
    func numbers() throws {
        let expected = try json(
            String(contentsOfFile: Self.fixture + "/expected.json", encoding: .utf8)
        )
        let tasks = expected.keys.sorted().flatMap { ["--task", "\(Self.fixture)/\($0).yaml"] }
        let run = try FacetProcess(
            ["eval", "--json", "--no-add-bos-token", "--task", Self.fixture + "/mmlu"] + tasks
                + Self.model
        )
        try #require(run.status == 0, "\(run.errors)")
        let results = try #require(try json(run.output)["results"] as? [String: [String: Any]])
        #expect(expected.count == 8)
        for (task, numbers) in expected {
            for (name, value) in try #require(numbers as? [String: Double]) {
                let own = try #require(results[task]?[name] as? Double, "\(task) \(name)")
                #expect(
                    abs(own - value) <= 1e-6 * max(1, abs(value)),
                    "\(task) \(name): \(own), not \(value)"
                )
            }
        }
        let folder = try #require(results["mmlu"]?["acc,none"] as? Double)
        let subject = try #require(results["mmlu_shop_goods"]?["acc,none"] as? Double)
        #expect(folder == subject)
    }

    @Test(
        "what can't be asked is refused by name",
        arguments: [
            ("output_type: winograd\n", "output_type"),
            (
                "output_type: multiple_choice\ndataset_path: json\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\ndoc_to_choice: [a, b]\n",
                "data_files"
            ),
            ("output_type: loglikelihood\ndoc_to_text: !function utils.text\n", "!function"),
            (
                "output_type: multiple_choice\ndataset_path: somebody/benchmark\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\ndoc_to_choice: [a, b]\n",
                "somebody/benchmark"
            ),
            (
                "output_type: multiple_choice\ndataset_path: parquet\n"
                    + "test_split: test\ndoc_to_text: a\ndoc_to_target: b\ndoc_to_choice: [a, b]\n",
                "parquet"
            ),
            (": [", "not valid YAML"),
        ]
    )
    func refused(text: String, named: String) throws {
        let path = NSTemporaryDirectory() + "task-\(UUID().uuidString).yaml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "task: t\n\(text)".write(toFile: path, atomically: true, encoding: .utf8)
        let run = try FacetProcess(["eval", "--task", path] + Self.model)
        #expect(run.status != 0 && run.status < 128)
        #expect(run.errors.contains(named), "\(run.errors)")
    }

    @Test("what was asked and answered is written down")
    func samples() throws {
        let path = NSTemporaryDirectory() + "samples-\(UUID().uuidString).jsonl"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let run = try FacetProcess(
            [
                "eval", "--task", Self.fixture + "/choice.yaml", "--max-samples", "4", "--samples",
                path,
            ]
                + Self.model
        )
        try #require(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("choice: 4 documents, 3 examples each"))
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 4)
        let first = try json(String(lines[0]))
        #expect((first["arguments"] as? [Any])?.count ?? 0 >= 3 && first["doc_id"] as? Int == 0)
    }
}
