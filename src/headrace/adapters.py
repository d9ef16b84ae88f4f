"""Which adapter serves a URL: tables of scheme → "module:Class", with the extra that installs its driver."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One adapter."""

    target: str
    """"module:Class", or "module" """
    extra: str = ""
    """The extra that installs its driver; empty if the base install has it."""
    names: str = ""
    """The options that name the queue or the store, separated by spaces; `/` is the last part of the path. Empty if there is only one."""
    private: str = ""
    """Options that belong to one queue, and have no meaning for another; separated by spaces."""
    alone: str = ""
    """The URL that the scheme means by itself, as an operand of a command; empty if a URL has to say more."""
    path: bool = False
    """Whether the URL is the path of a file, which is read, and has options, as one of this machine"""
    mapped: bool = False
    """Whether a source reads records of any shape, of which fields can be named: its `from_url` takes `fields` then"""
    token: str = ""
    """The variable that has the token of the source's platform: its `from_url` takes `token` then, which reads it anew at each call, and
    gives an empty string if there is none"""
    budgeted: bool = False
    """Whether a platform charges for what a source reads: its `from_url` takes `budget` then"""


_REMOTE = ("abfs", "az", "ftp", "gs", "hdfs", "hf", "s3", "sftp", "smb", "webhdfs")
SOURCES: Mapping[str, Entry] = {
    **dict.fromkeys(_REMOTE, Entry("headrace.sources.files:FileSource", "fsspec", path=True, mapped=True)),
    "bluesky": Entry("headrace.sources.bluesky:BlueskySource", "streams", token="HEADRACE_BLUESKY_KEY"),
    "files": Entry("headrace.sources.files:FileSource", mapped=True),
    "hackernews": Entry("headrace.sources.hackernews:HackernewsSource", "streams"),
    "http": Entry("headrace.sources.polled:PolledSource", "streams", mapped=True),
    "https": Entry("headrace.sources.polled:PolledSource", "streams", mapped=True),
    "mastodon": Entry("headrace.sources.mastodon:MastodonSource", "streams", token="HEADRACE_MASTODON_TOKEN"),
    "rss": Entry("headrace.sources.rss:RssSource", "streams"),
    "sse": Entry("headrace.sources.sse:SseSource", "streams", mapped=True),
    "ws": Entry("headrace.sources.websocket:WebsocketSource", "streams", mapped=True),
    "wss": Entry("headrace.sources.websocket:WebsocketSource", "streams", mapped=True),
    "twitter": Entry("headrace.sources.twitter", "streams", token="HEADRACE_TWITTER_TOKEN", budgeted=True),
    "wikimedia": Entry("headrace.sources.wikimedia:WikimediaSource", "streams"),
}
BROKERS: Mapping[str, Entry] = {
    "amqp": Entry("headrace.brokers.rabbitmq:RabbitmqBroker", "rabbitmq", "queue", "exchange keys declare"),
    "amqps": Entry("headrace.brokers.rabbitmq:RabbitmqBroker", "rabbitmq", "queue", "exchange keys declare"),
    "kafka": Entry("headrace.brokers.kafka:KafkaBroker", "kafka", "/ group"),
    "kafkas": Entry("headrace.brokers.kafka:KafkaBroker", "kafka", "/ group"),
    "beanstalk": Entry("headrace.brokers.beanstalkd:BeanstalkdBroker", "beanstalkd", "queue"),
    "memory": Entry("headrace.brokers.memory:MemoryBroker"),
    "nats": Entry("headrace.brokers.nats:NatsBroker", "nats", "queue"),
    "redis": Entry("headrace.brokers.redis:RedisBroker", "redis", "queue"),
    "rediss": Entry("headrace.brokers.redis:RedisBroker", "redis", "queue"),
    "sqlite": Entry("headrace.brokers.sqlite:SqliteBroker", names="/"),
}
STORES: Mapping[str, Entry] = {
    "memory": Entry("headrace.stores.memory:MemoryStore"),
    "mongodb": Entry("headrace.stores.mongodb:MongodbStore", "mongodb", "prefix"),
    "none": Entry("headrace.stores.none:NoStore"),
    "postgresql": Entry("headrace.stores.postgresql:PostgresqlStore", "postgresql", "schema"),
    "sqlite": Entry("headrace.stores.sqlite:SqliteStore", names="/"),
}
SINKS: Mapping[str, Entry] = {
    "amqp": Entry("headrace.brokers.rabbitmq:RabbitmqResults", "rabbitmq"),
    "amqps": Entry("headrace.brokers.rabbitmq:RabbitmqResults", "rabbitmq"),
    "kafka": Entry("headrace.brokers.kafka:KafkaResults", "kafka"),
    "kafkas": Entry("headrace.brokers.kafka:KafkaResults", "kafka"),
}
CLASSIFIERS: Mapping[str, Entry] = {
    "corenlp": Entry("headrace.models.corenlp:CorenlpClassifier", "corenlp", alone="corenlp://127.0.0.1:9000"),
    "corenlps": Entry("headrace.models.corenlp:CorenlpClassifier", "corenlp"),
    "python": Entry("headrace.models.own"),
    "vader": Entry("headrace.models.vader", "vader", alone="vader:"),
}
REGISTRIES: Mapping[str, Entry] = {
    "file": Entry("headrace.models.folder"),
}
