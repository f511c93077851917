import Foundation
import Testing

/// `facet train` and the words for what is not there.
@Suite("facet train", .serialized)
struct TrainTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/train-\(UUID().uuidString)"

    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private func file(_ more: String = "") throws -> String {
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let examples = (0..<12).map { "{\"prompt\": \"q \($0)\", \"completion\": \" a \($0)\"}\n" }
        try examples.joined().write(
            toFile: folder + "/d.jsonl",
            atomically: true,
            encoding: .utf8
        )
        let path = folder + "/c.yaml"
        try """
        model_name_or_path: \(Self.root)/demo/base
        stage: sft
        do_train: true
        dataset: d.jsonl
        dataset_dir: \(folder)
        eval_dataset: null
        flash_attn: auto
        output_dir: \(folder)/out
        \(more)
        """.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("--plan prints one object with every value and leaves no trace")
    func plan() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try FacetProcess("train", try file(), "--plan", "num_train_epochs=1.5", "seed=7")
        try #require(run.status == 0, "\(run.errors)")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
        )
        #expect(
            Set(object.keys) == [
                "stage", "hyperparameters", "examples", "validation_examples", "tokens",
                "trained_tokens", "steps_per_epoch", "total_steps", "warmup_steps", "memory_bytes",
                "notes",
            ]
        )
        let hyperparameters = try #require(object["hyperparameters"] as? [String: Any])
        #expect(hyperparameters["batch_size"] as? Int == 8)
        #expect(hyperparameters["seed"] as? Int == 7)
        #expect(hyperparameters["save_steps"] as? Int == 500)
        #expect(object["examples"] as? Int == 12 && object["steps_per_epoch"] as? Int == 2)
        #expect(object["total_steps"] as? Int == 3 && object["warmup_steps"] as? Int == 0)
        #expect(object["memory_bytes"] as? Int ?? 0 > 1_000_000)
        let notes = try #require(object["notes"] as? [[String: String]])
        #expect(notes.map { $0["key"] } == ["flash_attn"])
        #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
    }

    @Test("do_predict answers the validation file's prompts once the run is over")
    func predict() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try FacetProcess([
            "train", try file(), "max_steps=1", "eval_dataset=d.jsonl", "do_predict=true",
            "max_new_tokens=4", "max_samples=3", "cutoff_len=64",
        ])
        try #require(run.status == 0, "\(run.errors)")
        let adapter = try Data(
            contentsOf: URL(fileURLWithPath: folder + "/out/adapter_config.json")
        )
        let written = try JSONSerialization.jsonObject(with: adapter) as? [String: Any]
        let base = try #require(written?["base_model_name_or_path"] as? String)
        #expect(base.hasPrefix("/"), "PEFT loads the base from there")
        #expect(FileManager.default.fileExists(atPath: base + "/config.json"))
        let text = try String(
            contentsOfFile: folder + "/out/generated_predictions.jsonl",
            encoding: .utf8
        )
        let lines = try text.split(separator: "\n").map {
            try #require(
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String]
            )
        }
        #expect(lines.map { $0["label"] } == [" a 0", " a 1", " a 2"])
        #expect(lines.allSatisfy { Set($0.keys) == ["prompt", "predict", "label"] })
        #expect(FileManager.default.fileExists(atPath: folder + "/out/predict_results.json"))
        #expect(run.output == folder + "/out\n")
    }

    @Test("report_to: tensorboard leaves an event file with transformers' names")
    func tensorBoard() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let more = ["report_to=tensorboard", "cutoff_len=64", "val_size=2", "eval_strategy=steps"]
        let first = try FacetProcess(
            ["train", try file(), "max_steps=1", "eval_steps=1"] + more
        )
        try #require(first.status == 0, "\(first.errors)")
        let runs = folder + "/out/runs"
        let names = try FileManager.default.contentsOfDirectory(atPath: runs)
        #expect(names.count == 1 && names[0].hasPrefix("events.out.tfevents."))
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(runs)/\(names[0])"))
        let text = String(decoding: bytes, as: UTF8.self)
        for name in [
            "brain.Event:2", "args/text_summary", "model_config/text_summary", "train/loss",
            "train/grad_norm", "train/learning_rate", "train/epoch", "eval/loss",
            "train/train_loss",
        ] {
            #expect(text.contains(name), "\(name)")
        }
        // Nothing is left to do, and nothing is said of it.
        let again = try FacetProcess(
            ["train", try file(), "max_steps=1", "eval_steps=1"] + more
        )
        try #require(again.status == 0, "\(again.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: runs) == names)
    }

    @Test("a tracker that is not known or not configured is refused by name")
    func trackers() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let unknown = try FacetProcess("train", try file(), "--plan", "report_to=neptune")
        #expect(unknown.status == 1 && unknown.errors.contains("'neptune'"))
        let missing = try FacetProcess("train", try file(), "report_to=mlflow", "cutoff_len=64")
        #expect(missing.status == 1 && missing.errors.contains("MLFLOW_TRACKING_URI"))
    }

    @Test("a refusal ends with 1 and names key and reason")
    func refusal() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let run = try FacetProcess("train", try file(), "--plan", "stage=ppo")
        #expect(run.status == 1 && run.output.isEmpty)
        #expect(run.errors.contains("'stage' is 'ppo'"))
    }

    @Test("a command that is not there is an error with its neighbours, also with --help")
    func unknownCommand() throws {
        for arguments in [["trian"], ["trian", "--help"], ["adapters", "lst", "--help"]] {
            let run = try FacetProcess(arguments)
            #expect(run.status != 0 && run.output.isEmpty)
            #expect(run.errors.contains("There is no command"))
            #expect(run.errors.contains("Did you mean 'train'") || arguments.count == 3)
        }
        #expect(try FacetProcess("train", "--help").status == 0)
    }
}
