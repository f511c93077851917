import InferenceRuntime
import Testing

@testable import Trainer

/// The kinds of files people bring: what LLaMA-Factory's examples set, in our own words, and what its
/// web form writes.
@Suite("Files of LLaMA-Factory's kinds")
struct ExampleFilesTests {
    /// What becomes of a file: it runs, or one key is refused.
    enum Outcome: Sendable { case runs, refused(String) }

    /// What every example sets.
    private static let common = """
        model_name_or_path: org/model
        trust_remote_code: true
        stage: sft
        do_train: true
        finetuning_type: lora
        lora_rank: 8
        lora_target: all
        dataset: some
        template: llama3
        cutoff_len: 2048
        max_samples: 1000
        preprocessing_num_workers: 16
        dataloader_num_workers: 4
        output_dir: saves/some
        logging_steps: 10
        save_steps: 500
        plot_loss: true
        overwrite_output_dir: true
        save_only_model: false
        report_to: none
        per_device_train_batch_size: 1
        gradient_accumulation_steps: 8
        learning_rate: 1.0e-4
        num_train_epochs: 3.0
        lr_scheduler_type: cosine
        warmup_ratio: 0.1
        bf16: true
        ddp_timeout: 180000000
        resume_from_checkpoint: null
        """

    /// Each kind of example: its name, what it sets beside or in place of the common keys.
    static let examples: [(name: String, keys: [String], outcome: Outcome)] = [
        ("sft", [], .runs),
        (
            "sft with validation",
            [
                "val_size: 0.1", "per_device_eval_batch_size: 1", "eval_strategy: steps",
                "eval_steps: 500", "eval_dataset: null",
            ], .runs
        ),
        ("pre-training", ["stage: pt", "dataset: c4_demo"], .runs),
        ("sharded over devices", ["deepspeed: examples/deepspeed/ds_z3_config.json"], .runs),
        (
            "FSDP and 4 bit",
            [
                "quantization_bit: 4", "quantization_method: bnb", "double_quantization: true",
            ], .runs
        ),
        ("quantized checkpoints", ["model_name_or_path: org/model-AWQ"], .runs),
        (
            "on-the-fly quantization on another chip",
            [
                "quantization_bit: 4", "quantization_method: bnb", "double_quantization: false",
            ], .runs
        ),
        ("LoRA+", ["loraplus_lr_ratio: 16.0", "lora_dropout: 0.05"], .runs),
        ("NEFTune", ["neftune_noise_alpha: 5"], .runs),
        ("own kernels", ["use_v1_kernels: true", "enable_liger_kernel: true"], .runs),
        ("experts on the processor", ["use_kt: true", "kt_weight_path: somewhere"], .runs),
        ("a few steps", ["max_steps: 50", "streaming: true", "num_train_epochs: null"], .runs),
        (
            "pictures",
            [
                "image_max_pixels: 262144", "video_max_pixels: 16384", "freeze_vision_tower: true",
                "freeze_multi_modal_projector: true", "freeze_language_model: false",
            ], .runs
        ),
        ("data kept", ["tokenized_path: saves/tokenized"], .runs),
        (
            "several machines", ["ray_run_name: x", "ray_num_workers: 4"],
            .refused("ray_num_workers")
        ),
        ("preferences", ["stage: dpo", "pref_beta: 0.1", "pref_loss: sigmoid"], .runs),
        ("KTO", ["stage: kto", "pref_beta: 0.1"], .runs),
        (
            "another reference", ["stage: dpo", "ref_model: org/other"],
            .refused("ref_model")
        ),
        (
            "smoothing with another loss",
            ["stage: dpo", "pref_loss: ipo", "dpo_label_smoothing: 0.1"],
            .refused("dpo_label_smoothing")
        ),
        ("reward", ["stage: rm"], .runs),
        ("PPO", ["stage: ppo", "reward_model: saves/reward", "top_p: 0.9"], .refused("stage")),
        (
            "PiSSA", ["pissa_init: true", "pissa_iter: 16", "pissa_convert: true"],
            .refused("pissa_init")
        ),
        ("OFT", ["finetuning_type: oft", "oft_block_size: 32"], .refused("finetuning_type")),
        ("full", ["finetuning_type: full", "use_galore: true"], .refused("finetuning_type")),
        (
            "freeze", ["finetuning_type: freeze", "freeze_trainable_layers: 8"],
            .refused("finetuning_type")
        ),
        ("expanded blocks", ["use_llama_pro: true"], .refused("use_llama_pro")),
        ("8 bit", ["quantization_bit: 8"], .refused("quantization_bit")),
        ("new tokens", ["resize_vocab: true", "add_tokens: a,b"], .refused("resize_vocab")),
        ("embeddings", ["additional_target: embed_tokens,lm_head"], .refused("additional_target")),
        ("prediction alone", ["do_train: false", "do_predict: true"], .refused("do_train")),
        ("prediction too", ["do_predict: true", "predict_with_generate: true"], .runs),
        ("other losses", ["use_dft_loss: true"], .refused("use_dft_loss")),
        ("other optimizers", ["optim: lion_8bit"], .refused("optim")),
        ("Megatron", ["use_mca: true", "tensor_model_parallel_size: 2"], .refused("use_mca")),
        ("several adapters", ["adapter_name_or_path: a,b"], .refused("adapter_name_or_path")),
        ("a secret", ["hf_hub_token: hf_x"], .refused("hf_hub_token")),
        ("a misspelt key", ["lora_rnk: 4"], .refused("lora_rnk")),
    ]

    private static func object(_ lines: [String]) throws -> JSONObject {
        try YAMLFile.object(
            common,
            overriding: lines.map { $0.replacing(": ", with: "=", maxReplacements: 1) }
        )
    }

    @Test("each kind runs or is refused by the key that is to blame", arguments: 0..<examples.count)
    func outcome(_ index: Int) throws {
        let example = Self.examples[index]
        let object = try Self.object(example.keys)
        switch example.outcome {
        case .runs:
            let configuration = try TrainConfiguration(object)
            // What is null has nothing to be said of.
            #expect(!configuration.notes.contains { object[$0.key]?.isNull ?? true })
        case .refused(let key):
            let error = #expect(throws: TrainConfigurationError.self) {
                try TrainConfiguration(object)
            }
            #expect(error?.key == key, "\(example.name)")
            #expect(error?.description.contains("'\(key)'") == true)
        }
    }

    @Test("a stage that is not there is named, and a misspelt key's neighbour")
    func words() throws {
        let message = { (line: String) -> String in
            do {
                _ = try TrainConfiguration(try Self.object([line, "pref_beta: 0.2"]))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(message("stage: ppo").contains("'stage' is 'ppo' (reinforcement)"))
        #expect(message("lora_rnk: 4").contains("Did you mean 'lora_rank'?"))
        #expect(message("lora_rnk: 4").utf8.count < 200)
    }

    @Test("the file that the web form writes is read with its meaning")
    func webForm() throws {
        let text = """
            bf16: true
            cutoff_len: 2048
            dataset: identity
            dataset_dir: data
            ddp_timeout: 180000000
            do_train: true
            double_quantization: true
            enable_thinking: true
            finetuning_type: lora
            flash_attn: auto
            freeze_multi_modal_projector: true
            freeze_vision_tower: true
            gradient_accumulation_steps: 8
            image_max_pixels: 589824
            include_num_input_tokens_seen: true
            learning_rate: 5.0e-05
            logging_steps: 5
            lora_alpha: 16
            lora_dropout: 0
            lora_rank: 512
            lora_target: all
            lr_scheduler_type: cosine
            max_grad_norm: 1.0
            max_samples: 100000
            model_name_or_path: org/Model-1B-Instruct
            num_train_epochs: 3.0
            optim: adamw_torch
            output_dir: saves/Model-1B-Instruct/lora/train_2026-11-30-12-00-00
            packing: false
            per_device_train_batch_size: 64
            plot_loss: true
            preprocessing_num_workers: 16
            report_to: none
            save_steps: 100
            stage: sft
            template: llama3
            trust_remote_code: true
            use_reentrant_gc: true
            warmup_steps: 0
            """
        let configuration = try TrainConfiguration(try YAMLFile.object(text))
        let resolved = configuration.hyperparameters.resolved(examples: 10, seed: 0)
        #expect(resolved.batchSize == 512)
        #expect(resolved.rank == 512)
        #expect(resolved.learningRateSchedule(totalSteps: 100).warmupSteps == 0)
        #expect(configuration.notes.contains { $0.key == "enable_thinking" })
    }

    @Test("silent keys mean what they mean to LLaMA-Factory")
    func silence() throws {
        let resolve = { (lines: String) in
            let file = "model_name_or_path: m\ndataset: d\noutput_dir: o\n" + lines
            return try TrainConfiguration(try YAMLFile.object(file)).hyperparameters
                .resolved(examples: 12, seed: 0)
        }
        let silent = try resolve("")
        #expect(silent.batchSize == 8 && silent.gradientAccumulationSteps == 1)
        #expect(silent.learningRate == 5e-5 && silent.schedule == .linear)
        #expect(silent.learningRateSchedule(totalSteps: 1000).warmupSteps == 0)
        #expect(silent.saveSteps == 500 && silent.epochs == 3 && silent.seed == 42)
        #expect(try resolve("gradient_accumulation_steps: 4").batchSize == 32)
        #expect(try resolve("per_device_train_batch_size: 2").batchSize == 2)
        #expect(try resolve("stage: pt").packing)
        #expect(try !resolve("stage: pt\npacking: false").packing)
        #expect(try resolve("save_strategy: epoch").saveSteps == nil)
        let warmUp = { (lines: String) in
            try resolve(lines).learningRateSchedule(totalSteps: 50).warmupSteps
        }
        #expect(try warmUp("warmup_steps: 0.1") == 5)
        #expect(try warmUp("warmup_steps: 7") == 7)
        #expect(try warmUp("warmup_steps: 0\nwarmup_ratio: 0.1") == 5)
        #expect(try warmUp("lr_scheduler_type: constant\nwarmup_steps: 7") == 0)
    }

    @Test("parts of epochs are whole steps, and max_steps decides alone")
    func steps() throws {
        let steps = { (lines: String) in
            let file = "model_name_or_path: m\ndataset: d\noutput_dir: o\n" + lines
            return try TrainConfiguration(try YAMLFile.object(file)).hyperparameters
                .resolved(examples: 1, seed: 0).totalSteps(examples: 50)
        }
        // 50 examples are 7 steps of 8.
        #expect(try steps("") == 21)
        #expect(try steps("num_train_epochs: 1.5") == 11)
        #expect(try steps("num_train_epochs: 0.01") == 1)
        #expect(try steps("max_steps: 4") == 4)
        #expect(try steps("max_steps: -1") == 21)
    }

    @Test("what is typed behind the file wins, as a scalar, a list or nothing")
    func overrides() throws {
        let object = try YAMLFile.object(
            Self.common,
            overriding: [
                "lora_rank=16", "dataset=[a, b]", "learning_rate=1e-5", "template=", "seed=7",
            ]
        )
        let configuration = try TrainConfiguration(object)
        #expect(configuration.datasets == ["a", "b"])
        #expect(object["lora_rank"]?.int == 16 && object["seed"]?.int == 7)
        #expect(object["learning_rate"]?.double == 1e-5 && object["template"]?.isNull == true)
        #expect(throws: TrainConfigurationError.self) {
            try YAMLFile.object(Self.common, overriding: ["lora_rank"])
        }
    }

    @Test("no key has two meanings, and every hyperparameter's key is read")
    func table() {
        #expect(TrainKey.named.count > 350)
        for row in Hyperparameter.all {
            if let key = row.key { #expect(TrainKey.named[key] == .read) }
        }
    }
}
