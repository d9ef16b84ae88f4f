# Stanford CoreNLP's server, from its published jars, fetched by Debian's Maven. The models are half a gigabyte and take 2 GB of memory, so it
# runs only if it is named. It listens on all addresses and can't be told otherwise, so it asks for a password that is new at each start.

known+=(corenlp)
corenlp_packages=(openjdk-17-jre-headless maven)
corenlp_version=4.5.10

corenlp_port() {
    echo $((first_port + 14))
}

corenlp_pid() {
    cat "$folder/corenlp/pid" 2>/dev/null || true
}

corenlp_jars() {
    echo "$cache/corenlp-$corenlp_version"
}

corenlp_install() {
    local jars draft
    jars=$(corenlp_jars)
    if [[ -d $jars ]]; then return; fi
    mkdir -p "$cache"
    draft=$(mktemp -d "$cache/corenlp.XXXXXX")
    cat >"$draft/pom.xml" <<TEXT
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId><artifactId>corenlp</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>edu.stanford.nlp</groupId><artifactId>stanford-corenlp</artifactId><version>$corenlp_version</version>
    </dependency>
    <dependency>
      <groupId>edu.stanford.nlp</groupId><artifactId>stanford-corenlp</artifactId><version>$corenlp_version</version>
      <classifier>models</classifier>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
TEXT
    mvn -q -B -Dstyle.color=never -f "$draft/pom.xml" -Dmaven.repo.local="$draft/repository" \
        org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$draft/jars" >&2 || fail "CoreNLP's jars cannot be fetched"
    mv -T "$draft/jars" "$jars" || [[ -d $jars ]] # atomic: whole or not at all
    rm -rf "$draft"
}

corenlp_java() {
    local java
    java=$(find /usr/lib/jvm -path '*java-17-openjdk*/bin/java' 2>/dev/null | head -n 1)
    java=${java:-$(command -v java || true)}
    if [[ -z $java || ! -d $(corenlp_jars) ]]; then fail "CoreNLP is not installed; run deploy/servers install corenlp"; fi
    echo "$java"
}

corenlp_start() {
    local home=$folder/corenlp java password
    java=$(corenlp_java)
    mkdir -p "$home"
    password=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
    echo "headrace:$password" >"$home/account"
    chmod 600 "$home/account"
    (
        cd "$home"
        # Without nodelay each answer waits for 40 ms. The server writes the key that shuts it down to the folder for temporary files.
        setsid "$java" -Xmx2g -XX:+UseSerialGC -Dsun.net.httpserver.nodelay=true -Djava.io.tmpdir="$home" -cp "$(corenlp_jars)/*" \
            edu.stanford.nlp.pipeline.StanfordCoreNLPServer -port "$(corenlp_port)" -timeout 15000 -quiet \
            -username headrace -password "$password" </dev/null >>"$home/output" 2>&1 9>&- &
        echo $! >"$home/pid"
    )
    wait_for_port corenlp "$(corenlp_port)" "$home/output"
}

corenlp_addresses() {
    if [[ -e $folder/corenlp/account ]] && answers "$(corenlp_port)"; then
        echo "CORENLP=corenlp://$(cat "$folder/corenlp/account")@127.0.0.1:$(corenlp_port)"
    fi
}
