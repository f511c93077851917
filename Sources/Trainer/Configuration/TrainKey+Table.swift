extension TrainKey {
    /// Every key LLaMA-Factory knows (0.9.6, transformers 5), and what becomes of it.
    static let named: [String: TrainKey] = {
        var named: [String: TrainKey] = [:]
        for (reason, keys) in keysWithoutEffect {
            for key in keys.split(separator: " ") { named[String(key)] = .withoutEffect(reason) }
        }
        for (reason, keys) in keysOnlyOff {
            for item in keys.split(separator: " ") {
                let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
                let defaults = parts.dropFirst().flatMap {
                    $0.split(separator: "|").map(String.init)
                }
                named[parts[0]] = .onlyOff(defaults: defaults, reason: reason)
            }
        }
        for key in keysRead.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            named[String(key)] = .read
        }
        for row in Hyperparameter.all { row.key.map { named[$0] = .read } }
        return named
    }()

    /// Keys that `TrainConfiguration` reads beside the hyperparameters.
    private static let keysRead = """
        model_name_or_path adapter_name_or_path adapter_folder stage finetuning_type do_train
        dataset eval_dataset dataset_dir val_size max_samples output_dir overwrite_output_dir
        quantization_bit quantization_method quantization_type optim resume_from_checkpoint
        per_device_train_batch_size gradient_accumulation_steps packing neat_packing
        ref_model_adapters do_predict max_new_tokens mix_strategy interleave_probs default_system
        template save_strategy eval_strategy eval_steps metric_for_best_model greater_is_better
        data_seed enable_thinking hf_hub_token ms_hub_token om_hub_token hub_token report_to run_name
        """

    /// A reason, and the keys that only tune LLaMA-Factory's own machinery.
    private static let keysWithoutEffect: [(reason: String, keys: String)] = [
        (
            "the checkpoint's own chat template decides about thoughts, in training as in serving",
            "preserve_thinking"
        ),
        ("the checkpoint's own chat template writes the tools", "tool_format"),
        (
            "sums are in fp32; --compute-dtype chooses the kernels",
            "bf16 fp16 pure_bf16 bf16_full_eval fp16_full_eval tf32 fp8 fp8_backend "
                + "fp8_enable_fsdp_float8_all_gather upcast_layernorm upcast_lmhead_output infer_dtype"
        ),
        (
            "the base stays as its checkpoint has it",
            "double_quantization quantization_device_map"
        ),
        (
            "facet has its own kernels",
            "flash_attn use_unsloth use_unsloth_gc enable_liger_kernel use_liger_kernel "
                + "liger_kernel_config use_v1_kernels torch_compile torch_compile_backend "
                + "torch_compile_mode"
        ),
        (
            "the whole model is computed on the processor",
            "use_kt kt_cpu_activation kt_weight_path kt_non_expert_weight_path "
                + "kt_expert_checkpoint_path use_cpu"
        ),
        (
            "what is kept and what is computed again follows from memory",
            "gradient_checkpointing gradient_checkpointing_kwargs activation_checkpointing "
                + "activation_checkpointing_kwargs disable_gradient_checkpointing use_reentrant_gc "
                + "auto_find_batch_size torch_empty_cache_steps"
        ),
        (
            "there is one process, and nothing is sharded",
            "deepspeed fsdp fsdp_config ddp_timeout ddp_backend ddp_find_unused_parameters "
                + "ddp_bucket_cap_mb ddp_broadcast_buffers ddp_static_graph local_rank "
                + "accelerator_config parallelism_config average_tokens_across_devices "
                + "log_on_each_node save_on_each_node data_shared_file_system ray_run_name "
                + "ray_storage_path ray_init_kwargs resources_per_worker placement_strategy "
                + "master_addr master_port"
        ),
        (
            "it belongs to Megatron",
            "tensor_model_parallel_size pipeline_model_parallel_size expert_model_parallel_size "
                + "context_parallel_size virtual_pipeline_model_parallel_size sequence_parallel "
                + "recompute_granularity recompute_method recompute_num_layers "
                + "account_for_embedding_in_pipeline_split account_for_loss_in_pipeline_split "
                + "bias_activation_fusion apply_rope_fusion masked_softmax_fusion "
                + "cross_entropy_loss_fusion moe_grouped_gemm moe_token_dispatcher_type "
                + "calculate_per_token_loss use_distributed_optimizer overlap_param_gather "
                + "overlap_grad_reduce use_packed_sequences mixed_precision "
                + "megatron_pretrained_checkpoint export_hf_on_finish extra_config "
                + "hyper_parallel_args"
        ),
        (
            "every step is logged",
            "logging_steps logging_strategy logging_first_step logging_nan_inf_filter log_level "
                + "log_level_replica disable_tqdm skip_memory_metrics print_param_status"
        ),
        (
            "it belongs to Trackio, to which nothing is reported",
            "project trackio_space_id trackio_bucket_id trackio_static_space_id"
        ),
        (
            "it belongs to SwanLab, to which nothing is reported",
            "swanlab_project swanlab_workspace swanlab_run_name swanlab_mode swanlab_logdir"
        ),
        ("training_loss.svg is always written", "plot_loss"),
        (
            "tokens and accuracy are always counted",
            "include_num_input_tokens_seen include_effective_tokens_per_second compute_accuracy"
        ),
        (
            "files are read as they are needed, by no workers",
            "preprocessing_num_workers preprocessing_batch_size dataloader_num_workers "
                + "dataloader_pin_memory dataloader_persistent_workers dataloader_prefetch_factor "
                + "dataloader_multiprocessing_context dataloader_in_order streaming buffer_size "
                + "remove_unused_columns label_names length_column_name"
        ),
        ("nothing stale is cached", "overwrite_cache tokenized_path cache_dir download_mode"),
        (
            "validation chooses its own batches",
            "per_device_eval_batch_size eval_accumulation_steps eval_do_concat_batches "
                + "eval_use_gather_object batch_eval_metrics prediction_loss_only "
                + "include_for_metrics"
        ),
        ("validation runs whenever there are data for it", "do_eval eval_delay"),
        (
            "answers are the likeliest tokens, up to 'max_new_tokens'",
            "predict_with_generate do_sample temperature top_p top_k max_length "
                + "repetition_penalty length_penalty skip_special_tokens "
                + "generation_max_length generation_config sortish_sampler"
        ),
        (
            "'facet serve' and 'facet chat' have their own options",
            "infer_backend offload_folder use_kv_cache use_cache vllm_maxlen vllm_gpu_util "
                + "vllm_enforce_eager vllm_max_lora_rank vllm_config sglang_maxlen "
                + "sglang_mem_fraction sglang_tp_size sglang_config sglang_lora_backend"
        ),
        ("no code is loaded from a checkpoint", "trust_remote_code"),
        (
            "a checkpoint always keeps the optimizer",
            "save_only_model enable_jit_checkpoint restore_callback_states_from_checkpoint"
        ),
        ("there is one tokenizer", "use_fast_tokenizer"),
        ("weights are mapped", "low_cpu_mem_usage"),
        ("the adapter that is started from stays as it is", "create_new_adapter"),
        ("runs are always reproducible", "full_determinism"),
        (
            "the data are texts",
            "media_dir image_max_pixels image_min_pixels image_do_pan_and_scan crop_to_patches "
                + "video_max_pixels video_min_pixels video_fps video_maxlen use_audio_in_video "
                + "audio_sampling_rate freeze_vision_tower freeze_multi_modal_projector"
        ),
        (
            "it belongs to the stage 'ppo'",
            "ref_model_quantization_bit reward_model reward_model_adapters "
                + "reward_model_quantization_bit reward_model_type ppo_buffer_size ppo_epochs "
                + "ppo_score_norm ppo_target ppo_whiten_rewards"
        ),
        (
            "it needs another 'finetuning_type' than 'lora'",
            "freeze_trainable_layers freeze_trainable_modules freeze_extra_modules module_dropout "
                + "oft_rank oft_block_size oft_target loraplus_lr_embedding pissa_iter pissa_convert"
        ),
        (
            "what would use it is off",
            "galore_target galore_rank galore_update_interval galore_scale galore_proj_type "
                + "galore_layerwise apollo_target apollo_rank apollo_update_interval apollo_scale "
                + "apollo_proj apollo_proj_type apollo_scale_type apollo_layerwise "
                + "apollo_scale_front badam_mode badam_start_block badam_switch_mode "
                + "badam_switch_interval badam_update_ratio badam_mask_mode badam_verbose "
                + "asft_alpha eaft_alpha init_special_tokens"
        ),
        (
            "it belongs to 'llamafactory-cli export'",
            "export_dir export_size export_device export_quantization_bit "
                + "export_quantization_dataset export_quantization_nsamples "
                + "export_quantization_maxlen export_legacy_format export_hub_model_id"
        ),
        (
            "it belongs to 'llamafactory-cli eval'",
            "task task_dir batch_size lang n_shot save_dir"
        ),
        (
            "it belongs to the profiler of torch",
            "enable_torch_profiler profiler_output_dir profiler_wait_steps profiler_warmup_steps "
                + "profiler_active_steps profiler_repeat profiler_record_shapes "
                + "profiler_profile_memory profiler_with_stack profile_modules debug"
        ),
        (
            "nothing is sent to a hub",
            "hub_private_repo hub_model_id hub_strategy hub_always_push hub_revision"
        ),
    ]

    /// A reason, and keys with the values beside off at which they change nothing.
    private static let keysOnlyOff: [(reason: String, keys: String)] = [
        (
            "facet trains on the vocabulary of the checkpoint",
            "resize_vocab add_tokens add_special_tokens new_special_tokens_config"
        ),
        (
            "special tokens in the data are read as such, in training as in serving",
            "split_special_tokens"
        ),
        (
            "the reference is the base without the adapter, or an adapter of it: leave it out, or "
                + "write 'ref_model_adapters'",
            "ref_model"
        ),
        ("only low-rank pairs are trained", "additional_target freeze_language_model"),
        (
            "the 4-bit base has no such start; leave it out and the adapter starts at zero",
            "pissa_init"
        ),
        ("facet computes full attention", "shift_attn"),
        (
            "the positions of the checkpoint's config.json are used; write 'rope_scaling' there",
            "rope_scaling"
        ),
        ("facet does not convert models", "mixture_of_depths train_from_scratch use_llama_pro"),
        ("the loss has no such part", "moe_aux_loss_coef"),
        (
            "experts get no adapters",
            "kt_use_lora_experts kt_lora_expert_num kt_lora_expert_intermediate_size"
        ),
        (
            "the optimizer is AdamW, which needs no less for an adapter",
            "use_galore use_apollo use_badam use_adam_mini use_muon optim_args optim_target_modules"
        ),
        (
            "the loss is the cross-entropy",
            "use_dft_loss use_asft_loss use_eaft_loss label_smoothing_factor=0"
        ),
        (
            "padding is never learned",
            "ignore_pad_token_for_loss=true"
        ),
        (
            "facet is one process; it has its own options for several machines",
            "use_mca use_megatron_bridge use_hyper_parallel hyper_parallel_cp_size=1 "
                + "ray_num_workers=1"
        ),
        (
            "nothing is reported to others",
            "use_swanlab swanlab_api_key swanlab_lark_webhook_url swanlab_lark_secret push_to_hub"
        ),
        (
            "examples are shuffled anew in each epoch",
            "disable_shuffling group_by_length train_sampling_strategy=random"
        ),
        ("the last batch of an epoch is trained too", "dataloader_drop_last"),
        ("a run goes on with the example it stopped at", "ignore_data_skip"),
        ("validation begins with the first steps done", "eval_on_start"),
        ("validation data sets are measured as one", "eval_on_each_dataset"),
        ("facet answers by sampling", "num_beams=1 eval_num_beams=1 generation_num_beams=1"),
        (
            "pull the revision first: 'facet pull ORG/NAME@REVISION', and name it so in "
                + "'model_name_or_path'",
            "model_revision=main"
        ),
    ]
}
