#!/usr/bin/perl
# Our own mail is signed as it leaves: another implementation (python3-dkim) finds every signature good, RSA
# and Ed25519, whatever the message looks like and behind our header edits; so does our own. Strangers'
# mail gets no signature. Keys are made, published in a real unbound, checked there and exchanged.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Dns;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Process qw(command_answer wait_until);
use Poterne::Sink;
use Poterne::Tree qw(command_there slurp);

use constant { INSIDE => '127.0.0.1', STRANGER => '127.0.0.2' };
my $python = '/usr/bin/python3';
plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();
plan skip_all => 'Debian packages python3-dkim and python3-nacl are not installed'
    if !-x $python || system("$python -c 'import dkim, nacl' 2>/dev/null") != 0;

my $root = tempdir( 'poterne-dkim-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my ( $own, $plain ) = qw(own.example plain.example);
my $sink = Poterne::Sink->start( root => "$root/sink", smtp => 1 );
my $dns = Poterne::Dns->new( folder => "$root/dns" )->start;
write_file( "$root/test.cf", "body OFFERED /an offer for you/\nscore OFFERED 50\n" );

my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        gate     => { inside => '{ ' . INSIDE . ' }' },
        queue    => { retry_first => '1s', retry_max => '2s' },
        resolver => $dns->settings( cache_size => '1M' ),
        spam     => { rules => qq({ "$root/test.cf" }) },
    },
    domains => {
        $own   => { next_hop => "smtp://127.0.0.1:$sink->{port}", recipients => [ '@' . $own ] },
        $plain => { next_hop => "smtp://127.0.0.1:$sink->{port}", recipients => [ '@' . $plain ] },
    }
);

# Which selectors sign; the rest of the domain's settings stays.
sub sign_with {
    my (@selectors) = @_;
    $gateway->{domains}{$own}{more} = 'dkim = { ' . join( ', ', @selectors ) . ' }';
    $gateway->write_conf;
    return;
}

# --- keys ---

$gateway->start;
my ( $status, $said ) = $gateway->poterne( 'dkim', 'dns', $own );
is( $status, 1, 'there is no key to begin with' );
( $status, $said ) = $gateway->poterne( 'dkim', 'keygen', $own, '--selector', 'first' );
is( $status, 0, 'an RSA key' ) or diag($said);
( $status, $said ) = $gateway->poterne( 'dkim', 'keygen', $own, '--selector', 'ed', '--algorithm', 'ed25519' );
is( $status, 0, 'an Ed25519 key' ) or diag($said);
my $folder = "$root/gateway/state/dkim";
is( ( stat "$folder/$own/first.key" )[2] & 07777, 0600, 'only its owner reads it' );
is( ( stat "$folder/$own/first.key" )[4], $> == 0 ? Poterne::Gateway::UID_FIRST + 5 : $>, 'who is delivery' );
my $before = slurp("$folder/$own/first.key");
( $status, $said ) = $gateway->poterne( 'dkim', 'keygen', $own, '--selector', 'first' );
is( $status, 2, 'a key never takes the place of another' );
is( slurp("$folder/$own/first.key"), $before, '… which is as it was' );
for my $bad ( [ 'keygen', 'other.example' ], [ 'keygen', $own, '--selector', '../x' ], [ 'keygen', $own, '--algorithm', 'md5' ],
    ['frob'], [ 'dns', $own, $plain ], [ 'check', $own, '--selector', 'x' ] )
{
    ( $status, $said ) = $gateway->poterne( 'dkim', @$bad );
    is( $status, 2, "dkim @$bad: refused" );
}
sign_with(qw(first ed));
ok( $gateway->reload, 'both keys shall sign' );

# --- published or not ---

# The lines as they are printed, for unbound: it takes no brackets.
sub records {
    my ( undef, $text ) = $gateway->poterne( 'dkim', 'dns', $own );
    return map { s/^(\S+) (\d+) IN TXT \( (.*) \)$/$1 $2 TXT $3/r } grep {/ IN TXT /} split /\n/, $text;
}

# { selector => state }; the DNS is asked anew.
sub states {
    my (@records) = @_;
    $dns->records(@records);
    $dns->reload;
    $gateway->reload;    # a new resolver has an empty cache
    my %state = map { $_->{selector} => $_->{state} } $gateway->poterne_json( 'dkim', 'check', $own );
    ($status) = $gateway->poterne( 'dkim', 'check', $own );
    return \%state;
}
my @records = records();
is( scalar @records, 2, 'two records to publish' );
ok( ( !grep { length > 255 } "@records" =~ /"([^"]*)"/g ), 'no string is longer than 255 bytes' );
is_deeply( states(), { first => 'missing', ed => 'missing' }, 'nothing is published' );
is( $status, 1, '… which is a no' );
is_deeply( states( $records[0] ), { first => 'missing', ed => 'published' }, 'one is published' );
is( $status, 1, '… which is a no' );
is_deeply( states( $records[0], $records[0] =~ s/^ed/first/r ), { first => 'wrong', ed => 'published' }, 'another key' );
is_deeply( states( $records[0] =~ s/v=DKIM1;/v=DKIM1; t=y;/r, $records[1] ), { first => 'published', ed => 'testing' }, 'a test' );
is( $status, 1, '… which is a no' );
is_deeply(
    states( @records, $records[1] =~ s/"v=DKIM1; k=rsa; p=.*/"v=DKIM1; p="/r ),
    { first => 'wrong', ed => 'published' },
    'two records of one name'
);
is_deeply( states(@records), { first => 'published', ed => 'published' }, 'both are published' );
is( $status, 0, '… which is a yes' );

# --- messages ---

my $number = 0;

# Sends it, waits for it behind the gateway; the whole message, or undef.
sub pass_on {
    my (%mail) = @_;
    my $to = 'to' . ++$number . "\@$own";
    my $smtp = $gateway->smtp( local => $mail{client} // INSIDE );
    my $result = $smtp->send( from => $mail{from} // "anna\@$own", to => [$to], data => \$mail{data}, parameters => $mail{parameters} );
    $smtp->quit;
    is( $result->{code}, 250, "$mail{name}: taken" ) or diag( $result->{text} );
    wait_until( $mail{seconds} // 30, sub { $sink->messages($to) } );
    return ( $sink->messages($to) )[0];
}

# What python3-dkim says of each signature: "d s a good".
write_file( "$root/verify.py", <<'EOT' );
import dkim, json, sys
keys = json.load(open(sys.argv[1]))
message = open(sys.argv[2], 'rb').read()
def answer(name, timeout=5):
    return keys.get(name.decode().rstrip('.'), '').encode()
checker = dkim.DKIM(message)
n = sum(1 for name, value in checker.headers if name.lower() == b'dkim-signature')
for i in range(n):
    checker = dkim.DKIM(message)
    try:
        good = checker.verify(i, answer)
    except Exception as e:
        good = repr(e)
    f = checker.signature_fields
    print(*(f[t].decode() for t in (b'd', b's', b'a')), good)
EOT

sub signatures {
    my ($message) = @_;
    my %key = map { $_->{name} => $_->{record} } $gateway->poterne_json( 'dkim', 'dns', $own );
    write_file( "$root/keys.json",   JSON::PP->new->encode( \%key ) );
    write_file( "$root/message.eml", $message );
    my ( undef, $output ) = command_answer( $python, "$root/verify.py", "$root/keys.json", "$root/message.eml" );
    return [ sort split /\n/, $output ];
}
my $both = [ "$own ed ed25519-sha256 True", "$own first rsa-sha256 True" ];
my $head = "From: Anna <anna\@$own>\nTo: somebody\@far.example\nSubject: Hello\nDate: Mon, 23 Nov 2026 01:00:00 +0000\n";
my %messages = (
    'plain'               => "$head\nHello there.\n",
    '8-bit'               => "${head}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9fe \xff\n",
    '8-bit header'        => "From: \"J\xc3\xbcrgen\" <anna\@$own>\nSubject: Gr\xc3\xbc\xc3\x9fe\nDate: Mon, 23 Nov 2026 01:00:00 +0000\n\nHello.\n",
    'a long line'         => "$head\n" . ( 'long ' x 180 ) . "\n",
    'dots'                => "$head\n.\n..\n.dot\n...three\n\n.\n",
    'no body'             => "$head\n",
    'empty lines'         => "$head\n\n\n\nbetween\n\n\n\n",
    'blanks'              => "$head\n a  \t b \t\n\t\n   \n",
    'bare newlines'       => "$head\r\none\r\ntwo\nthree\rfour\r\n",
    'no empty line'       => "${head}This is no field, so that the header ends here.\n",
    'folds'               => "From:\n Anna\n\t<anna\@$own>\nTo: a\@far.example,\n  b\@far.example\nSubject: Hello\n  again\nDate: Mon, 23 Nov 2026\n 01:00:00 +0000\n\nHello.\n",
    'a second Subject'    => "${head}Subject: Other\nCc: x\@far.example\n\nHello.\n",
    'fields that we take' => "X-Spam-Flag: YES\nX-Poterne-Id: mine\n${head}X-Spam-Level: **\nReply-To: anna\@$own\n\nHello.\n",
    'signed before'       => "DKIM-Signature: v=1; a=rsa-sha256; d=far.example; s=x; h=From; bh=AAAA; b=AAAA\n${head}\nHello.\n",
    'a large one'         => "$head\n" . ( "0123456789 .. 0123456789\n" x 80_000 ),
);

# Debian's opendkim-testmsg asks the DNS of the machine: it gets one of its own, with unbound on port 53 and nothing else.
# What it says of each message: "good", or why not; undef: that can't be had here.
sub opendkim_says {
    my (@texts) = @_;
    return if grep { !command_there($_) } qw(opendkim-testmsg unshare ip);
    my $inner = Poterne::Dns->new( folder => "$root/inner", port => 53, records => [@records] );
    $inner->write_conf;
    write_file( "$root/inner/resolv.conf", "nameserver 127.0.0.1\n" );
    write_file( "$root/inner/$_.eml", $texts[$_] ) for 0 .. $#texts;
    write_file( "$root/inner/run.sh", <<'END' );
cd "$1" && ip link set lo up && mount --bind resolv.conf /etc/resolv.conf || exit 9
/usr/sbin/unbound -d -c unbound.conf > log 2>&1 &
server=$!
tries=0
until grep -q 'start of service' log; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || exit 9
    sleep 0.1
done
i=0
while [ -e $i.eml ]; do
    opendkim-testmsg < $i.eml > said 2>&1 && echo good || echo "no: $(tr '\n' ' ' < said)"
    i=$((i + 1))
done
kill $server
END
    my ( $failed, $output ) = command_answer( qw(timeout 120 unshare --user --map-root-user --net --mount sh), "$root/inner/run.sh", "$root/inner" );
    my @verdicts = split /\n/, $output;
    return @verdicts == @texts ? \@verdicts : undef;    # it may have been cut off
}

my %passed;
for my $name ( sort keys %messages ) {
    my $eightbit = $messages{$name} =~ /[^\0-\x7f]/ ? 'BODY=8BITMIME' : undef;
    my $message = pass_on( name => $name, data => $messages{$name}, parameters => $eightbit );
    my @found = grep { !/^far\.example/ } @{ signatures( $message // '' ) };
    is_deeply( \@found, $both, "$name: both signatures are good" ) or diag($message);
    $passed{$name} = $message;
}
SKIP: {
    # it looks at no signature of a message that RFC 5322 does not know, such as one with two Subjects
    my @names = grep { $_ ne 'a second Subject' } sort keys %passed;
    my $changed = $passed{plain} =~ s/Hello there/Hello here/r;
    my $verdicts = opendkim_says( @passed{@names}, $changed );
    skip 'no opendkim-testmsg with a name server of its own (packages opendkim-tools, iproute2; user namespaces)', 1 + @names if !$verdicts;
    is( $verdicts->[$_], 'good', "$names[$_]: opendkim-testmsg says so, too" ) for 0 .. $#names;
    like( $verdicts->[ scalar @names ], qr/^no: .*Bad signature/, '… and not of what was changed' );
}
SKIP: {
    skip 'swaks is not installed', 1 if !command_there('swaks');
    command_answer(
        'swaks', '--silent', '2', '--server', "127.0.0.1:$gateway->{port}", '--from', "anna\@$own", '--to', "swaks\@$own",
        '--h-From', "Anna <anna\@$own>", '--body', "Hello,\n.\nAnna"
    );
    wait_until( 30, sub { $sink->messages("swaks\@$own") } );
    is_deeply( signatures( ( $sink->messages("swaks\@$own") )[0] // '' ), $both, 'swaks: both signatures are good' );
}

# A signature that says too much is worth nothing: what was changed must not pass.
my $message = pass_on( name => 'signed', data => $messages{plain} );
for my $change ( [ qr/Hello there/, 'Hello here' ], [ qr/Subject: Hello/, 'Subject: Bye' ], [ qr/^/, "Reply-To: other\@far.example\r\n" ] ) {
    my $changed = $message =~ s/$change->[0]/$change->[1]/r;
    is( ( scalar grep {/True/} @{ signatures($changed) } ), 0, "changed: $change->[1]" =~ s/\r\n//r );
}
unlike( $message, qr/[ \t;]x=|[ \t;]l=/, 'no end, and all of the body' );

# Our own verifier, when it comes back from outside.
my $back = pass_on( name => 'back', data => $message, client => STRANGER, from => 'anna@far.example' );
my @results = ( $back =~ s/\r\n[ \t]+/ /gr ) =~ /^Authentication-Results: [^;]*;(.*)\r$/m ? split( /;/, $1 ) : ();
is( ( scalar grep { /dkim=pass/ && /header\.d=\Q$own\E/ } @results ), 2, 'our own verifier says pass of both' ) or diag("@results");
is( ( scalar grep {/^\Q$own\E/} @{ signatures($back) } ), 2, '… and no other is put on it' );

# --- domains below ---

my %below = ( 'a domain below' => "sub.$own", 'far below' => "a.b.$own" );
$gateway->{settings}{dkim} = { subdomains => 'yes' };
$gateway->write_conf;
ok( $gateway->reload, 'dkim.subdomains = yes' );
for my $name ( sort keys %below ) {
    my $got = pass_on( name => $name, data => $messages{plain} =~ s/anna\@\Q$own\E/anna\@$below{$name}/r );
    is_deeply( signatures( $got // '' ), $both, "$name: signed by the one above" ) or diag($got);
}
my $near = pass_on( name => 'only a name that ends so', data => $messages{plain} =~ s/anna\@\Q$own\E/anna\@not$own/r );
unlike( $near // 'DKIM-Signature', qr/^DKIM-Signature/m, '… what only ends so is not' );
delete $gateway->{settings}{dkim};
$gateway->write_conf;
ok( $gateway->reload, 'dkim.subdomains = no' );

# --- who is not signed ---

my %unsigned = (
    'a stranger who says that he is ours' => { client => STRANGER },
    'a stranger'                          => { client => STRANGER, data => $messages{plain} =~ s/anna\@\Q$own\E/x\@far.example/r },
    'from inside for somebody else'       => { data => $messages{plain} =~ s/anna\@\Q$own\E/x\@far.example/r },
    'from inside for a domain below'      => { data => $messages{plain} =~ s/anna\@\Q$own\E/x\@sub.$own/r },
    'two authors'                         => { data => $messages{plain} =~ s/anna\@\Q$own\E>/anna\@$own>, x\@far.example/r },
    'no author'                           => { data => $messages{plain} =~ s/^From:.*\n//r },
    'a domain without keys'               => { data => $messages{plain} =~ s/anna\@\Q$own\E/anna\@$plain/r },
);
for my $name ( sort keys %unsigned ) {
    my $got = pass_on( name => $name, data => $messages{plain}, %{ $unsigned{$name} } );
    unlike( $got // 'DKIM-Signature', qr/^DKIM-Signature/m, "$name: not signed" );
}

# --- the tag ---

my $spam = "$head\nHere is an offer for you.\n";
my $tagged = pass_on( name => 'spam of a stranger', data => $spam, client => STRANGER );
like( $tagged, qr/^Subject: \[SPAM\] Hello\r$/m, 'spam of a stranger is tagged' );
my $kept = pass_on( name => 'the same from inside', data => $spam );
like( $kept, qr/^Subject: Hello\r$/m, 'the same from inside is not' );
unlike( $kept, qr/^X-Spam-Flag/m, '… nor flagged' );
is_deeply( signatures($kept), $both, '… and signed' );

# --- another key ---

( $status, $said ) = $gateway->poterne( 'dkim', 'keygen', $own, '--selector', 'second' );
is( $status, 0, 'a second RSA key' );
my $while = pass_on( name => 'meanwhile', data => $messages{plain} );
is_deeply( signatures($while), $both, 'the first one signs until the settings say otherwise' );
is_deeply( states( records() ), { map { $_ => 'published' } qw(first second ed) }, 'all three are published' );
sign_with(qw(second));
ok( $gateway->reload, 'the settings name the second alone' );
my $after = pass_on( name => 'another key', data => $messages{plain} );
is_deeply( signatures($after), ["$own second rsa-sha256 True"], 'the second signs' );
is_deeply( signatures($while), $both, 'what the first has signed is still good' );
my %signs = map { $_->{selector} => $_->{signs} ? 1 : 0 } $gateway->poterne_json( 'dkim', 'dns', $own );
is_deeply( \%signs, { first => 0, second => 1, ed => 0 }, 'which of them signs is told' );

# --- a key that is not there ---

rename "$folder/$own/second.key", "$folder/$own/second.away" or die "$!\n";
my $from = length $gateway->log_text;
ok( $gateway->reload, 'a key is gone' );
like( substr( $gateway->log_text, $from ), qr/mail of \Q$own\E waits: cannot open .*second\.key/, 'the log says what waits and why' );
my $missing = pass_on( name => 'without a key', data => $messages{plain}, seconds => 3 );
is( $missing, undef, 'mail of that domain waits' );
( undef, $said ) = $gateway->poterne( 'queue', 'list' );
like( $said, qr/not signed \(DKIM\)/, 'the queue says why' );
my $other = pass_on( name => 'another domain', data => $messages{plain} =~ s/anna\@\Q$own\E/anna\@$plain/r );
ok( $other, 'other mail does not' );
is( states( records() )->{second}, 'no key', 'the check says it, too' );
rename "$folder/$own/second.away", "$folder/$own/second.key" or die "$!\n";
my $waiting = "to" . ( $number - 1 ) . "\@$own";
ok( $gateway->reload, 'it is there again' );
ok( wait_until( 30, sub { $sink->messages($waiting) } ), 'what waited goes' );
is_deeply( signatures( ( $sink->messages($waiting) )[0] ), ["$own second rsa-sha256 True"], '… signed' );

$gateway->{settings}{dkim} = { unable => 'send', expire => '1h' };
sign_with(qw(gone));
ok( $gateway->reload, 'mail that can\'t be signed shall go' );
my $without = pass_on( name => 'unable = send', data => $messages{plain} );
unlike( $without // 'DKIM-Signature', qr/^DKIM-Signature/m, '… and goes unsigned' );
sign_with(qw(second ed));
ok( $gateway->reload, 'with an end' );
my $ends = pass_on( name => 'expire', data => $messages{plain} );
like( $ends, qr/[ \t;]x=\d+/, 'a signature says its end' );
is( ( scalar grep {/True/} @{ signatures($ends) } ), 2, '… and is good' );

# --- nobody knows ---

$gateway->reload;    # so that nothing is in a cache
$dns->pause;
( $status, $said ) = $gateway->poterne( 'dkim', 'check', $own );
is( $status, 2, 'a DNS that is away is no answer' ) or diag($said);
$dns->resume;

is( $gateway->stop, 0, 'the gateway stops as asked' );
$sink->stop;
$dns->stop;
done_testing();
