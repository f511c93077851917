import InferenceRuntime
import Testing
import Trainer

@Suite("LLaMA-Factory configuration files")
struct TrainConfigurationTests {
    /// `examples/train_qlora` of LLaMA-Factory, with another model.
    static let example = """
        ### model
        model_name_or_path: models/tiny
        quantization_bit: 4
        quantization_method: bnb
        trust_remote_code: true

        ### method
        stage: sft
        do_train: true
        finetuning_type: lora
        lora_rank: 8
        lora_target: all

        ### dataset
        dataset: identity,alpaca_en_demo
        template: llama3
        cutoff_len: 2048
        max_samples: 1000
        preprocessing_num_workers: 16

        ### output
        output_dir: saves/tiny
        logging_steps: 10
        save_steps: 500
        plot_loss: true
        overwrite_output_dir: true
        report_to: none

        ### train
        per_device_train_batch_size: 2
        gradient_accumulation_steps: 8
        learning_rate: 1.0e-4
        num_train_epochs: 3.0
        lr_scheduler_type: cosine
        warmup_ratio: 0.1
        bf16: true
        """

    @Test("the file of the QLoRA example is read, and says what has no effect")
    func example() throws {
        let configuration = try TrainConfiguration(try YAMLFile.object(Self.example))
        #expect(configuration.model == "models/tiny")
        #expect(configuration.datasets == ["identity", "alpaca_en_demo"])
        #expect(configuration.maximumExamples == 1000)
        #expect(configuration.overwrites)
        let resolved = configuration.hyperparameters.resolved(examples: 100, seed: 42)
        #expect(resolved.batchSize == 16)
        #expect(resolved.gradientAccumulationSteps == 8)
        #expect(resolved.epochs == 3)
        #expect(resolved.saveSteps == 500)
        #expect(configuration.notes.contains { "\($0)".hasPrefix("template has no effect") })
    }

    @Test("three epochs where the file is silent, of no matter how few examples")
    func epochs() throws {
        let text = "model_name_or_path: m\ndataset: d.jsonl\noutput_dir: o"
        let configuration = try TrainConfiguration(try YAMLFile.object(text))
        #expect(configuration.hyperparameters.resolved(examples: 1, seed: 42).epochs == 3)
    }

    @Test("1e-4 without a point is a number")
    func exponent() throws {
        let object = try YAMLFile.object("learning_rate: 1e-4\nname: '1e-4'")
        #expect(object["learning_rate"]?.double == 1e-4)
        #expect(object["name"]?.string == "1e-4")
    }

    @Test(
        "what cannot be honoured is refused by name",
        arguments: [
            ("stage: ppo", "stage"), ("finetuning_type: full", "finetuning_type"),
            ("quantization_bit: 8", "quantization_bit"), ("use_galore: true", "use_galore"),
            ("lora_rank: 0", "lora_rank"), ("num_train_epochs: many", "num_train_epochs"),
            ("do_train: false", "do_train"), ("val_size: [1]", "val_size"),
            ("val_size: -1", "val_size"), ("max_samples: 0", "max_samples"),
            ("eval_dataset: [1]", "eval_dataset"),
        ]
    )
    func refusals(_ line: String, _ key: String) throws {
        let text = "model_name_or_path: m\ndataset: d.jsonl\noutput_dir: o\n" + line
        let object = try YAMLFile.object(text)
        let error = #expect(throws: TrainConfigurationError.self) {
            try TrainConfiguration(object)
        }
        #expect(error?.key == key)
        #expect(error?.description.contains(key) == true)
    }

    @Test("what is missing is said", arguments: ["model_name_or_path", "dataset", "output_dir"])
    func missing(_ key: String) throws {
        var object: JSONObject = ["model_name_or_path": "m", "dataset": "d", "output_dir": "o"]
        object[key] = nil
        let error = #expect(throws: TrainConfigurationError.self) {
            try TrainConfiguration(object)
        }
        #expect(error?.key == key)
    }

    @Test("files that are no YAML mapping are refused", arguments: ["- a", "a: [", "7", ""])
    func notAMapping(_ text: String) {
        #expect(throws: TrainConfigurationError.self) { try YAMLFile.object(text) }
    }
}
