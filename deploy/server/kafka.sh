# Kafka: one node that is broker and controller (KRaft), from its published jars, fetched by Debian's Maven. A second listener is encrypted
# and asks for a password.

known+=(kafka)
usual+=(kafka)
kafka_packages=(openjdk-17-jre-headless maven openssl)
kafka_version=4.1.1

kafka_port() {
    echo $((first_port + 11))
}

kafka_pid() {
    cat "$folder/kafka/pid" 2>/dev/null || true
}

kafka_jars() {
    echo "$cache/kafka-$kafka_version"
}

kafka_install() {
    local jars draft
    jars=$(kafka_jars)
    if [[ -d $jars ]]; then return; fi
    mkdir -p "$cache"
    draft=$(mktemp -d "$cache/kafka.XXXXXX")
    cat >"$draft/pom.xml" <<TEXT
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
TEXT
    mvn -q -B -Dstyle.color=never -f "$draft/pom.xml" -Dmaven.repo.local="$draft/repository" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$draft/jars" >&2 || fail "Kafka's jars cannot be fetched"
    mv -T "$draft/jars" "$jars" || [[ -d $jars ]] # atomic: whole or not at all
    rm -rf "$draft"
}

kafka_java() {
    local java
    java=$(find /usr/lib/jvm -path '*java-17-openjdk*/bin/java' 2>/dev/null | head -n 1)
    java=${java:-$(command -v java || true)}
    if [[ -z $java || ! -d $(kafka_jars) ]]; then fail "Kafka is not installed; run deploy/servers install kafka"; fi
    echo "$java"
}

kafka_start() {
    local home=$folder/kafka java port run
    java=$(kafka_java)
    port=$(kafka_port)
    mkdir -p "$home"
    certify "$(id -un)" "$home"
    cat "$home/key.pem" "$home/certificate.pem" >"$home/both.pem"
    cat >"$home/server.properties" <<TEXT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://127.0.0.1:$((port + 30)),CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://${KAFKA_ADVERTISED:-127.0.0.1:$port},SASL_SSL://127.0.0.1:$((port + 30))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_headrace="headrace";
ssl.keystore.type=PEM
ssl.keystore.location=$home/both.pem
log.dirs=$home/data
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
TEXT
    # A small server: little memory, few threads for the compiler and the garbage collector.
    run=("$java" -Xms128m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn
        -cp "$(kafka_jars)/*")
    if [[ ! -e $home/data/meta.properties ]]; then
        "${run[@]}" kafka.tools.StorageTool format -t "$("${run[@]}" kafka.tools.StorageTool random-uuid)" \
            -c "$home/server.properties" >"$home/output" 2>&1 || { cat "$home/output" >&2; fail "Kafka's folder cannot be made"; }
    fi
    (
        cd "$home"
        setsid "${run[@]}" kafka.Kafka "$home/server.properties" </dev/null >>"$home/output" 2>&1 9>&- &
        echo $! >"$home/pid"
    )
    wait_for_port kafka "$port" "$home/output"
}

kafka_addresses() {
    if answers "$(kafka_port)"; then
        echo "KAFKA=kafka://127.0.0.1:$(kafka_port)/"
        echo "KAFKA_TLS=kafkas://headrace:headrace@127.0.0.1:$(($(kafka_port) + 30))/?cacertfile=$folder/kafka/certificate.pem"
    fi
}
