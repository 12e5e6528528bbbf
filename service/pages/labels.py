"""What the fields of requests are called on pages, by their path in the body of a request."""

from __future__ import annotations

from collections.abc import Mapping

from service.pages.wording import words

LABELS: Mapping[str, str] = {
    "name": "Name",
    "tenant": "Store or site",
    "mode": "Written from",
    "items": "Articles",
    "lines": "Articles",
    "file": "File",
    "sheet": "Sheet",
    "template": "Template",
    "template_name": "Name of the template",
    "topic": "Topic",
    "keywords": "Keywords",
    "trend": "Trend",
    "region": "Region",
    "source_url": "Address to rewrite",
    "source_text": "Text to rewrite",
    "source.url": "Address",
    "source.text": "Text",
    "source.title": "Title",
    "templates": "Formats",
    "others": "Other formats",
    "processing_mode": "What the address leads to",
    "word_count": "Words",
    "brand_voice": "Brand voice",
    "page_type": "Kind of page",
    "target_url": "Address of the page",
    "external_id": "Id of your own",
    "context": "What the writer should know",
    "idea": "Idea",
    "metadata.sku_count": "SKUs",
    "metadata.monthly_searches": "Searches a month",
    "metadata.content_status": "Content there is",
    "pipeline": "Way of writing",
    "options.ideas": "Ideas to choose from",
    "options.select_within_hours": "Choose within",
    "options.image": "Image",
    "options.publish_to": "Publish to",
    "options.skip_quality_check": "Quality check",
    "delay_seconds": "Pause between articles, in seconds",
    "parallelism": "Articles at once",
    "stagger_ms": "Between two starts, in milliseconds",
    "max_retries": "Retries of an article",
    "priority": "Priority",
    "deadline": "Deadline",
    "budget.cost": "May cost, in all",
    "budget.cost_per_job": "Set aside for an article",
    "failure_policy.max_failed_percent": "Pause when more have failed than, in percent",
    "failure_policy.min_items": "But not before so many have ended",
    "failure_policy.canary": "Pause to look after the first",
    "notify.webhook_url": "Webhook address",
    "notify.email": "Mail to",
    "notify.progress": "Tell at, in percent",
    "email": "E-mail address",
    "url": "Address",
    "events": "Events",
    "description": "Description",
    "since": "Made from",
    "until": "Made before",
}


def label(path: str) -> str:
    """Of a field that is not listed, its last name in words."""
    return LABELS.get(path) or words(path.rpartition(".")[2])
