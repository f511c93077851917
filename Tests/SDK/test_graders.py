"""Graders through the official client."""

import openai
import pytest

ITEM = {"question": "What does the Norvik kettle cost?", "answer": "168 crowns"}


def run(client, grader, sample="168 crowns", item=ITEM):
    return client.fine_tuning.alpha.graders.run(grader=grader, item=item, model_sample=sample)


def test_texts_are_graded(client):
    check = {"type": "string_check", "name": "exact", "input": "{{sample.output_text}}",
             "reference": "{{item.answer}}", "operation": "eq"}
    assert run(client, check).reward == 1
    graded = run(client, check, "170 crowns")
    assert graded.reward == 0 and graded.metadata.scores == {"exact": 0}
    assert not any(value for name, value in graded.metadata.errors.model_dump().items() if name.endswith("error"))
    alike = {"type": "text_similarity", "name": "alike", "input": "{{sample.output_text}}",
             "reference": "{{item.answer}}", "evaluation_metric": "rouge_1"}
    assert run(client, alike, "170 crowns").reward == pytest.approx(0.5)
    joined = run(client, {"type": "multi", "name": "both", "graders": {"exact": check, "alike": alike},
                          "calculate_output": "0.5 * exact + 0.5 * alike"}, "170 crowns")
    assert joined.reward == pytest.approx(0.25)
    assert joined.sub_rewards == {"exact": 0, "alike": 0.5}
    assert client.fine_tuning.alpha.graders.validate(grader=check).grader.name == "exact"


def test_a_schema_grades(client):
    grader = {"type": "json_schema", "name": "schema", "input": "{{sample.output_text}}",
              "schema": {"type": "object", "required": ["items"]}}
    assert run(client, grader, '{"items": []}').reward == 1
    assert run(client, grader, '{"items": ').reward == 0


def test_models_grade(client):
    messages = [{"role": "user", "content": "Grade this answer: {{sample.output_text}}"}]
    scored = run(client, {"type": "score_model", "name": "judge", "model": "facet-demo", "input": messages,
                          "range": [0, 10], "sampling_params": {"seed": 3, "temperature": 0.5}})
    errors = scored.metadata.errors
    assert 0 <= scored.reward <= 10 or errors.api_model_grader_parse_error
    assert scored.metadata.sampled_model_name == "facet-demo" or errors.api_model_grader_parse_error
    labelled = run(client, {"type": "label_model", "name": "label", "model": "tickets", "input": messages,
                            "labels": ["delivery", "billing"], "passing_labels": ["delivery", "billing"]})
    assert labelled.reward == 1
    assert labelled.api_model_grader_token_usage_per_model["tickets"]["total_tokens"] > 0
    nobody = run(client, {"type": "label_model", "name": "label", "model": "nobody", "input": messages,
                          "labels": ["a"], "passing_labels": ["a"]})
    assert nobody.reward == 0
    assert "nobody" in nobody.metadata.errors.api_model_grader_server_error_details


def test_what_keeps_an_answer_from_a_grade_is_told(client):
    check = {"type": "string_check", "name": "n", "input": "{{sample.output_json.price}}",
             "reference": "{{item.none}}", "operation": "eq"}
    assert run(client, check, "no JSON").metadata.errors.sample_parse_error
    assert run(client, check, '{"price": 1}').metadata.errors.invalid_variable_error
    for grader, param in [
        ({"type": "python", "name": "p", "source": "def grade(s, i): return 1"}, "grader.type"),
        ({"type": "string_check", "name": "n", "input": "{{item", "reference": "", "operation": "eq"}, "grader.input"),
    ]:
        for call in (lambda: run(client, grader), lambda: client.fine_tuning.alpha.graders.validate(grader=grader)):
            with pytest.raises(openai.BadRequestError) as refused:
                call()
            assert refused.value.param == param
