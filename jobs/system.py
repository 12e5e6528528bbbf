"""The parts of `jobs/` put together over one store. Nothing is decided here, and no settings are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from jobs.adoption import Adoption
from jobs.audit import Audit
from jobs.bulk_hours import BulkHours
from jobs.callers.keys import Keys
from jobs.callers.user_limits import UserCounts, UserLimits
from jobs.capacity.admission import Admission
from jobs.capacity.generators import Generators
from jobs.capacity.incumbents import Incumbents
from jobs.capacity.limits import Limits, LimitStore
from jobs.capacity.quotas import Quotas
from jobs.capacity.scopes import Scopes
from jobs.checkpoints import Checkpoints
from jobs.chores import Chores
from jobs.clock import Clock, DatabaseClock
from jobs.controls import Controls
from jobs.creation import Creation
from jobs.documents import BulkRequest
from jobs.estimation.forecasts import Forecasts
from jobs.estimation.history import History
from jobs.estimation.throughput import Throughput
from jobs.indexes import INDEXES
from jobs.intents import Intents
from jobs.materials import Materials
from jobs.notification.addressed import Recipients
from jobs.notification.dead_mail import DeadMails
from jobs.notification.deliveries import Deliveries
from jobs.notification.delivery_log import DeliveryLog
from jobs.notification.digests import Digests
from jobs.notification.endpoints import Endpoints
from jobs.notification.mailboxes import Mailboxes
from jobs.notification.mailing import MailRecipients
from jobs.notification.notices import Notices
from jobs.notification.outbox import Outbox
from jobs.notification.planning import Planning
from jobs.notification.preferences import Preferences
from jobs.notification.targets import Targets
from jobs.notification.webhook_recipients import WebhookRecipients
from jobs.permits import Permits
from jobs.pipelines import PipelineStore
from jobs.queue import Queue
from jobs.reading.briefs import Briefs
from jobs.reading.census import Census
from jobs.reading.changes import Changes
from jobs.reading.lookup import Lookup
from jobs.reading.overview import Overview
from jobs.reading.shares import Shares
from jobs.reading.surroundings import SurroundingsReader
from jobs.reading.tallies import Tallies
from jobs.reading.waiting import Waiting
from jobs.retention.archive import Archive
from jobs.retention.deletion import Deletion
from jobs.retention.dropping import Dropping
from jobs.retention.erasure import Erasure
from jobs.retention.expiry import Retention, RetentionRules
from jobs.retention.removal import Removal
from jobs.retention.restoring import Restoring
from jobs.retention.takeout import Takeout
from jobs.scheduling.firing import ScheduleFiring
from jobs.scheduling.firing_log import FiringLog
from jobs.scheduling.schedules import Schedules
from jobs.selections import Selections
from jobs.settling import Settling
from jobs.shortlist import Shortlist
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.submitted import Submitted
from jobs.sweep import Sweep
from jobs.templates import Templates
from jobs.twins import Twins
from jobs.versions.database_format import DatabaseFormat
from jobs.versions.migrating import Migrating
from jobs.versions.replicas import Replicas
from jobs.versions.workers import Workers
from jobs.wake import Wake


@dataclass(frozen=True)
class System:
    store: Store
    clock: Clock
    scopes: Scopes
    limits: LimitStore
    generators: Generators
    settling: Settling
    queue: Queue
    checkpoints: Checkpoints
    permits: Permits
    materials: Materials
    pipelines: PipelineStore
    controls: Controls
    bulk_hours: BulkHours
    selections: Selections
    intents: Intents
    creation: Creation
    lookup: Lookup
    briefs: Briefs
    overview: Overview
    throughput: Throughput
    shares: Shares
    history: History
    changes: Changes
    forecasts: Forecasts
    sweep: Sweep
    adoption: Adoption
    chores: Chores
    audit: Audit
    workers: Workers
    waiting: Waiting
    keys: Keys
    targets: Targets
    templates: Templates
    schedules: Schedules
    schedule_firing: ScheduleFiring
    firing_log: FiringLog
    submitted: Submitted
    preferences: Preferences
    mailboxes: Mailboxes
    endpoints: Endpoints
    deliveries: Deliveries
    delivery_log: DeliveryLog
    dead_mails: DeadMails
    notices: Notices
    outbox: Outbox
    user_counts: UserCounts
    removal: Removal
    deletion: Deletion
    retention: Retention
    erasure: Erasure
    takeout: Takeout
    restoring: Restoring
    census: Census
    database_format: DatabaseFormat
    replicas: Replicas
    migrating: Migrating


@dataclass(frozen=True)
class Rules:
    """What the parts are told: lease time, the limits to begin with, what an adopted bulk has.

    `parallel` is the percentage of tenants whose bulks this process starts several jobs of, whatever the limits allow.
    `user` is what one user may do: at first, all they like. A `cipher` without keys keeps no secrets. `digest_hour` is
    None where there is no mail server.
    """

    lease: timedelta = timedelta(seconds=30)
    limits: Limits = Limits(max_running=1)
    user: UserLimits = UserLimits()
    parallel: int = 100
    adopted: BulkRequest = BulkRequest(mode="", items=())
    single_jobs: bool = False
    cipher: Cipher = Cipher(())
    digest_hour: int | None = None
    retention: RetentionRules = RetentionRules()


def assemble(store: Store, clock: Clock, rules: Rules) -> System:
    scopes = Scopes(store, clock)
    generators = Generators(store, clock)
    admission = Admission(scopes, generators, clock, rules.parallel)
    shortlist = Shortlist(store, clock, scopes)
    wake = Wake()
    user_counts = UserCounts(store, clock, rules.user)
    notices = Notices(store, clock)
    endpoints = Endpoints(store, clock, rules.cipher)
    deliveries = Deliveries(store, clock)
    settling = Settling(store, clock, wake)
    creation = Creation(store, clock, Quotas(store, clock, scopes), user_counts)
    firing_log = FiringLog(store)
    workers, replicas = Workers(store, clock, silence=rules.lease), Replicas(store, clock)
    database_format = DatabaseFormat(store)
    history = History(store, clock)
    preferences, mailboxes = Preferences(store, clock), Mailboxes(store, clock)
    surroundings = SurroundingsReader(store, clock, scopes, admission, workers)
    mail = MailRecipients(preferences, mailboxes, rules.digest_hour)
    archive = rules.retention.archive
    files = Archive(archive) if archive is not None else None
    removal = Removal(store, clock, files)
    recipients: list[Recipients] = [WebhookRecipients(endpoints), mail]
    planning = Planning(deliveries, clock, recipients, Digests(store, clock))
    controls, intents = Controls(store, clock, settling, wake), Intents(store, clock, settling, wake)
    return System(
        store=store,
        clock=clock,
        scopes=scopes,
        limits=LimitStore(store, scopes, Incumbents(store, clock)),
        generators=generators,
        settling=settling,
        queue=Queue(store, clock, admission, shortlist, Twins(store, clock, scopes), settling, wake, rules.lease),
        checkpoints=Checkpoints(store, clock, rules.lease),
        permits=Permits(scopes, clock),
        materials=Materials(store, clock),
        pipelines=PipelineStore(store),
        controls=controls,
        bulk_hours=BulkHours(store, clock, settling, wake),
        selections=Selections(store, clock, settling, wake),
        intents=intents,
        creation=creation,
        lookup=Lookup(store, clock),
        briefs=Briefs(store),
        overview=Overview(store, clock, Tallies(store)),
        throughput=Throughput(store, clock),
        shares=Shares(store, clock),
        history=history,
        changes=Changes(store),
        forecasts=Forecasts(store, clock, history, surroundings),
        sweep=Sweep(store, clock, scopes, settling, wake, rules.lease),
        adoption=Adoption(store, clock, settling, rules.adopted, single_jobs=rules.single_jobs),
        chores=Chores(store, clock),
        audit=Audit(store, clock, settling, scopes, rules.lease),
        workers=workers,
        waiting=Waiting(store, clock, scopes, admission, workers),
        keys=Keys(store, clock),
        targets=Targets(store, clock, rules.cipher),
        templates=Templates(store, clock),
        schedules=Schedules(store, clock, firing_log),
        schedule_firing=ScheduleFiring(store, clock, creation, firing_log, notices),
        firing_log=firing_log,
        submitted=Submitted(store),
        preferences=preferences,
        mailboxes=mailboxes,
        endpoints=endpoints,
        deliveries=deliveries,
        delivery_log=DeliveryLog(store, clock),
        dead_mails=DeadMails(store, clock),
        notices=notices,
        outbox=Outbox(store, notices, wake, planning),
        user_counts=user_counts,
        removal=removal,
        deletion=Deletion(intents, removal),
        retention=Retention(store, clock, removal, Dropping(store, clock, intents, removal, files), rules.retention),
        erasure=Erasure(store, clock, controls, removal),
        takeout=Takeout(store),
        restoring=Restoring(store, clock),
        census=Census(store, clock, workers),
        database_format=database_format,
        replicas=replicas,
        migrating=Migrating(store, database_format, workers, replicas),
    )


async def start(store: Store, rules: Rules) -> System:
    """The database's format known, indexes made, the clock measured, limits seeded: ready to serve or to work.

    Raises `DatabaseTooNew`, before anything is changed, and `StoreUnavailable`.
    """
    clock = DatabaseClock(store.server_time)
    await clock.measure()
    system = assemble(store, clock, rules)
    await system.database_format.enter()
    await store.create_indexes(INDEXES)
    await system.limits.seed(rules.limits)
    return system
