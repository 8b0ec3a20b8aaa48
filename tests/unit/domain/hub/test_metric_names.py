import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubport.domain.hub.metric_names import Direction, metric_of

MORE = """
    val/map metrics/mAP50-95(B) metrics/mAP_0.5:0.95 mAP MAP bbox_mAP AP50 valmAP eval/reward rollout/ep_rew_mean
    episode_return val/f1 F1Score macro-f1 val/auc ROC_AUC MulticlassAUROC val/R2 r2_score val_acc VAL_ACC acc@1
    valAccuracy metrics/accuracy_top1 top5 precision Recall@5 hits@10 success_rate val/iou mIoU meanIoU
    dice_coefficient PSNR val/ssim bleu-4 rougeLsum fitness explained_variance log_likelihood true_negative_rate
    validation.score neg_mean_squared_error test_neg_log_loss neg_mse box_iou eval_samples_per_second fps
    train/cls_accuracy 정확도/f1
"""
LESS = """
    loss val/loss valLoss eval_loss train/box_loss box_map_loss map_loss reward_loss loss/total val/box
    metrics/mae RMSE metrics/rmse MeanSquaredError mean_absolute_percentage_error error top5_error top1_err
    validationError error_rate perplexity val/PPL val.perplexity WER cer FID fid_score brier_score cross_entropy
    negative_log_likelihood neg_log_likelihood false_positive_rate false_negatives inference_time latency_ms
    epoch_time model/speed_PyTorch(ms)
"""
UNKNOWN = """
    mapping lossless evaluate validate heatmaps timeline accurate error_reduction accuracy_gap eval/std_reward
    loss_scale neg_acc neg_loss time_to_accuracy rollout/ep_len_mean lr/pg0 learning_rate model/GFLOPs grad_norm
    foo 정확도 accuracyé
"""


@pytest.mark.parametrize(
    ("names", "direction"), [(MORE, Direction.MAX), (LESS, Direction.MIN), (UNKNOWN, None)], ids=["more", "less", "?"]
)
def test_whole_words_say_whether_more_is_better(names: str, direction: Direction | None) -> None:
    assert {} == {name: found for name in names.split() if (found := metric_of(name).direction) is not direction}


@pytest.mark.parametrize(
    "names",
    [
        "metrics/mAP50-95(B) metrics/mAP50-95(M) metrics/mAP50(B) fitness metrics/precision(B) val/box_loss train/loss",
        "mAP mAP50 val/accuracy",
        "metrics/accuracy_top1 metrics/accuracy_top5 val/loss train/loss",
        "val_accuracy val_f1 val_precision val_rmse val_loss val_box_loss accuracy loss",
        "val/f1 test/f1 f1 train/f1",
        "train/loss foo fps",
        "eval_f1 eval_loss eval_something eval_runtime",
    ],
)
def test_the_most_telling_metric_comes_first(names: str) -> None:
    given_names = names.split()

    assert given_names == sorted(sorted(given_names), key=lambda name: metric_of(name).rank or ())


@pytest.mark.parametrize("name", ["lr/pg0", "learning_rate", "epoch", "gpu_memory", "grad_norm"])
def test_what_says_nothing_of_a_model_is_never_chosen(name: str) -> None:
    assert metric_of(name).rank is None


@given(st.text(max_size=300))
def test_any_text_is_a_name(name: str) -> None:
    assert metric_of(name) == metric_of(name)


@given(st.sampled_from((MORE + LESS).split()), st.sampled_from(["", "val/", "eval_", "test.", "Train-", "my run/"]))
def test_the_data_that_it_is_of_changes_no_direction(name: str, split: str) -> None:
    assert metric_of(name).direction is metric_of(f"{split}{name}").direction


@given(st.sampled_from([name for name in (MORE + LESS).split() if "_" in name]), st.sampled_from("/-. @"))
def test_one_separator_is_as_good_as_another(name: str, separator: str) -> None:
    assert metric_of(name).direction is metric_of(name.replace("_", separator)).direction
