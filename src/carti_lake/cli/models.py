"""``model``: train the models, list them, judge them, and write their cards."""

from typing import Annotated

import typer

from carti_lake.cli import show
from carti_lake.cli.app import FAILED, app
from carti_lake.cli.options import DEFAULT_LAKE, Json, LakeAt, StorageOptions, command, open_lake

group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.add_typer(group, name="model", help="Train, list, evaluate and describe the models.")

Names = Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Names; `model list` shows them.")]


@group.command()
def train(
    models: Names = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same release and seed give the same model.")] = 0,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Train the models that are due, or those named, on the latest release; the next run scores with them."""
    opened = open_lake(lake, storage_option)
    with show.steps("Training") as progress:
        outcomes = opened.train(models or (), seed=seed, progress=progress)
    if json:
        show.as_json(outcomes)
    else:
        rows = [(one.model, one.version, "new" if one.new else "as it was", one.why) for one in outcomes]
        show.screen().print(show.grid(["model", "version", "", "why"], rows))
        for one in outcomes:
            if one.refusal:
                show.say(f"{one.model} is not used: {one.refusal}.")
        if any(one.new for one in outcomes):
            show.next_steps(
                (command("run", lake), "scores with them"),
                (
                    command(f"model evaluate {next(one.model for one in outcomes if one.new)}", lake),
                    "how good they are",
                ),
            )
    if models and all(one.why.startswith("not enough data") for one in outcomes):
        raise typer.Exit(FAILED)


@group.command("list")
def list_(lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False) -> None:
    """List the models: current version, what it was trained on, its headline error, and whether it is due."""
    import polars as pl

    rows = open_lake(lake, storage_option).models()
    if json:
        show.as_json(rows.to_dicts())
        return
    columns = ["model", "version", "data_release", "data_as_of", "rows", "metric", "value", "used", "due"]
    used = pl.when("served").then(pl.lit("yes")).when(~pl.col("served")).then(pl.lit("no"))
    show.screen().print(show.grid(columns, rows.with_columns(used=used).select(columns).rows()))
    for model, reason in rows.drop_nulls("reason").select("model", "reason").iter_rows():
        show.say(f"{model} is not used: {reason}.")
    untrained = rows.filter(pl.col("version").is_null())
    for model, needs in untrained.select("model", "needs").iter_rows():
        show.say(f"{model} needs {needs}.")
    steps = [(command("model train", lake), "trains those that are due")] * (rows["due"].count() > 0)
    if untrained.height < rows.height:
        steps.append((command("model card --all", lake), "writes a card of each"))
    show.next_steps(*steps)


@group.command()
def evaluate(
    models: Names = None, lake: LakeAt = DEFAULT_LAKE, storage_option: StorageOptions = None, json: Json = False
) -> None:
    """Show how good the current versions are: as trained, and on what has come since; baselines beside them."""
    from carti_lake.models.catalogue import MODELS, find_model
    from carti_lake.models.registry import evaluation

    opened = open_lake(lake, storage_option)
    trained = opened.models().drop_nulls("version")["model"].to_list()
    chosen = [find_model(name) for name in models] if models else [MODELS[name] for name in trained]
    view = opened.at()
    found = {model.name: evaluation(view, model) for model in chosen}
    if json:
        show.as_json({name: rows.to_dicts() for name, rows in found.items()})
        return
    for name, rows in found.items():
        show.screen().print(show.grid(rows.columns[:-1], rows.drop("note").rows(), name))
        for note in rows["note"].drop_nulls().unique(maintain_order=True):
            show.say(f"  {note}")
    if not found:
        show.say("No model has been trained yet.")
        show.next_steps((command("model train", lake), "trains those that have enough data"))


@group.command("card")
def card_(
    models: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Of every trained model.")] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR", help="Folder; else the lake's published/models.")
    ] = None,
    lake: LakeAt = DEFAULT_LAKE,
    storage_option: StorageOptions = None,
    json: Json = False,
) -> None:
    """Write model cards: Markdown with charts."""
    from carti_lake.models.catalogue import MODELS, find_model
    from carti_lake.outlets.files import published
    from carti_lake.outlets.model_card import card_of

    if bool(models) == every:
        raise typer.BadParameter("Name models, or say --all.", param_hint="MODEL")
    opened = open_lake(lake, storage_option)
    trained = opened.models().drop_nulls("version")["model"].to_list()
    chosen = [MODELS[name] for name in trained] if every else [find_model(name) for name in models or ()]
    target = output or published(opened.uri, "models")
    files = [file for model in chosen for file in card_of(opened.storage, model, target)]
    if json:
        show.as_json({"files": files})
        return
    show.say("Model cards:")
    for file in files:
        show.say(f"  {file}")
