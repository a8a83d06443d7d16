#!/usr/bin/perl
# The resolver among its neighbours, with Debian's unbound as the DNS: answers and the cache, DNSSEC,
# the client's name in the Received field and the journal, DNS lists with their self-check, and a
# name server that dies: nothing is held against anybody, nobody waits for long, and it comes back.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use Socket qw(AF_UNIX SOCK_SEQPACKET pack_sockaddr_un);
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(letter);
use Poterne::Process qw(command_output wait_until);

plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

my $root = tempdir( 'poterne-resolver-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $to = 'jean.toto@dns.example';

my @records = (
    'a.example. 300 A 192.0.2.1',
    'alias.example. CNAME a.example.',
    'a.example. MX 10 mail.a.example.',
    '1.0.0.127.in-addr.arpa. PTR client.example.',
    'client.example. A 127.0.0.1',
    '6.0.0.127.in-addr.arpa. PTR liar.example.',
    'liar.example. A 192.0.2.6',
    '7.0.0.127.in-addr.arpa. PTR bad.example.',
    # lists: the two test entries each, and who is on it
    ( map { ( "2.0.0.127.$_. A 127.0.0.2", "5.0.0.127.$_. A 127.0.0.2" ) } qw(points.test heavy.test) ),
    '2.0.0.127.block.test. A 127.0.0.2',
    '7.0.0.127.block.test. A 127.0.0.4',
    '8.0.0.127.block.test. A 127.0.0.99',    # an answer that does not mean "listed"
    '9.0.0.127.block.test. A 127.0.0.2',
    '2.0.0.127.good.test. A 127.0.0.2',
    '9.0.0.127.good.test. A 127.0.0.2',
    # one that answers for everybody, one that is dead
    ( map { "$_.0.0.127.all.test. A 127.0.0.2" } 1 .. 9 ),
    '5.0.0.127.dead.test. A 127.0.0.2',
);

# --- a signed zone, and one whose answers were changed after it was signed ---

my %signed;
my $anchor = "$root/anchor";

sub sign {
    my ( $zone, $change ) = @_;
    my $file = "$root/$zone.zone";
    Poterne::Gateway::write_file( $file, <<"END");
\$ORIGIN $zone.
\$TTL 300
\@ IN SOA ns.$zone. host.$zone. 1 3600 600 86400 300
\@ IN NS ns.$zone.
ns IN A 127.0.0.1
www IN A 192.0.2.80
END
    my ( $status, $key ) = command_output( 'sh', '-c', "cd $root && ldns-keygen -k -a ECDSAP256SHA256 $zone" );
    return 0 if $status;
    ($key) = $key =~ /^(K\S+)/m or return 0;
    ($status) = command_output( 'sh', '-c', "cd $root && ldns-signzone -n $file $key" );
    return 0 if $status;
    my $text = do { local ( @ARGV, $/ ) = ("$file.signed"); <> };
    $text =~ s/192\.0\.2\.80/192.0.2.66/ if $change;
    Poterne::Gateway::write_file( "$file.signed", $text );
    my $public = do { local ( @ARGV, $/ ) = ("$root/$key.key"); <> };
    open my $out, '>>', $anchor or die "$anchor: $!\n";
    print {$out} $public;
    close $out or die "$anchor: $!\n";
    $signed{$zone} = "$file.signed";
    return 1;
}
my $can_sign = -x '/usr/bin/ldns-signzone' && sign( 'signed.example', 0 ) && sign( 'forged.example', 1 );

my $dns = Poterne::Dns->new( folder => "$root/dns", records => \@records, zones => \%signed )->start;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        resolver => $dns->settings( time_per_message => '2s', time_per_client => '2s', $can_sign ? ( trust_anchor => qq("$anchor") ) : () ),
        smtp          => { lists_refuse => '7' },
        antivirus     => { engines => '{ }' },
        'list points' => { zone => 'points.test', weight => '1.5' },
        'list heavy'  => { zone => 'heavy.test', weight => '2' },
        'list block'  => { zone => 'block.test', action => 'reject', answers => '{ 127.0.0.2, 127.0.0.4 }' },
        'list good'   => { zone => 'good.test', action => 'allow' },
        'list all'    => { zone => 'all.test', action => 'reject' },
        'list dead'   => { zone => 'dead.test', action => 'reject' },
    },
    domains => { 'dns.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [ $to, 'postmaster@dns.example' ] } }
)->start;

# --- answers ---

sub answer { my ($answer) = $gateway->poterne_json( 'dns', @_ ); return $answer // {} }

is_deeply( answer('a.example')->{records}, ['192.0.2.1'], 'an address' );
ok( answer('a.example')->{cached}, 'is known the second time' );
is_deeply( answer('alias.example')->{records}, ['192.0.2.1'], 'an alias is followed' );
is_deeply( answer( 'a.example', 'MX' )->{records}, ['10 mail.a.example'], 'a mail server' );
is( answer('nobody.example')->{status}, 'no such name', 'no such name' );
is( answer( 'a.example', 'TLSA' )->{status}, 'no such record', 'no such record' );
is( answer('a..example')->{status}, 'no DNS name', 'no DNS name' );

SKIP: {
    skip 'Debian package ldnsutils is not installed', 3 if !$can_sign;
    my $www = answer('www.signed.example');
    is_deeply( $www->{records}, ['192.0.2.80'], 'a signed zone' );
    ok( $www->{secure}, 'is proved' );
    is( answer('www.forged.example')->{status}, 'forged', 'what was changed behind the signature is not believed' );
}

# --- who the client is ---

sub send_from {
    my ( $local, $recipient ) = @_;
    my $smtp = $gateway->smtp( local => $local );
    my $result = $smtp->send( from => 'x@a' . ( $local =~ tr/./-/r ) . '.example', to => [ $recipient // $to ], data => \letter( subject => "from $local" ) );
    $smtp->quit;
    return $result;
}

sub received {
    my ($local) = @_;
    my ($mail) = grep { /from \Q$local\E/ } $gateway->maildir_messages($to);
    return $mail // '';
}

sub delivered {
    my ($local) = @_;
    is( send_from($local)->{code}, 250, "$local: taken" );
    wait_until( 20, sub { received($local) } );
    return received($local);
}

like( delivered('127.0.0.1'), qr/^Received: from client\.test\.example \(client\.example \[127\.0\.0\.1\]\)/m, 'a name that leads back' );
like( delivered('127.0.0.6'), qr/\(unknown \[127\.0\.0\.6\]\)/, 'a name that leads elsewhere' );
like( delivered('127.0.0.3'), qr/\(unknown \[127\.0\.0\.3\]\)/, 'no name' );

# --- lists ---

like( $gateway->log_text, qr/list all \(all\.test\) is switched off .*answers for everybody/, 'a list that holds everybody is switched off' );
like( $gateway->log_text, qr/list dead \(dead\.test\) is switched off .*does not hold 127\.0\.0\.2/, 'and one that is dead' );
like( delivered('127.0.0.5'), qr/tests=LIST_HEAVY=2\.0,LIST_POINTS=1\.5/, 'points are tests like those of rules' );

ok( wait_until( 10, sub { ( $gateway->poterne( 'trace', 'x@a127-0-0-5.example' ) )[1] =~ /client +it has no name; listed by heavy \+2\.0, points \+1\.5/ } ),
    'and `poterne trace` tells' ) or diag( ( $gateway->poterne( 'trace', 'x@a127-0-0-5.example' ) )[1] );

my $refused = send_from('127.0.0.7');
is( $refused->{stage}, 'rcpt', 'a blocked client is refused at RCPT' );
like( join( ' ', @{ $refused->{rcpt}{$to} } ), qr/^550 5\.7\.1 .*127\.0\.0\.7 is listed by block \(block\.test\)/, 'with the list\'s name' );
is( send_from( '127.0.0.7', 'postmaster@dns.example' )->{code}, 250, 'postmaster is reached' );
like( delivered('127.0.0.8'), qr/tests=(?!LIST)/, 'another answer of the list does not count' );
like( delivered('127.0.0.9'), qr/LIST_BLOCK=1\.0,LIST_GOOD=-1\.0/, 'an allow list keeps another from refusing' );
ok(
    wait_until( 10, sub { ( $gateway->poterne( 'trace', '127.0.0.7' ) )[1] =~ /listed by block/ } ),
    'the refusal is in the journal'
) or diag( ( $gateway->poterne( 'trace', '127.0.0.7' ) )[1] );

# --- those who ask it: what they may, and what they should not ---

my ($resolver) = @{ $gateway->processes->{resolver} };

sub asker {
    my (@messages) = @_;
    socket my $socket, AF_UNIX, SOCK_SEQPACKET, 0 or die "socket: $!\n";
    connect $socket, pack_sockaddr_un("$root/run/resolver.sock") or die "connect: $!\n";
    local $SIG{PIPE} = 'IGNORE';
    send $socket, $_, 0 for @messages;
    return $socket;
}

sub budget   { return pack 'CVV', 1, @_ }
sub question { my ( $number, $name, $type ) = @_; return pack 'VCV/a', $number, $type // 1, $name }

# { number => status } of so many answers, or of those until the end; undef: it was cut off before any.
sub statuses {
    my ( $socket, $n ) = @_;
    my %status;
    while ( keys %status < $n && IO::Select->new($socket)->can_read(10) ) {
        recv $socket, my $answer, 131072, 0;
        last if !length $answer;
        my ( $number, $is ) = unpack 'VC', $answer;
        $status{$number} = $is;
    }
    return keys %status ? \%status : undef;
}

my ( $found, $failed ) = ( 1, 4 );
is_deeply( statuses( asker( budget( 2, 1000 ), join '', map { question( $_, 'a.example' ) } 1 .. 5 ), 5 ),
    { 1 => $found, 2 => $found, 3 => $failed, 4 => $failed, 5 => $failed }, 'nobody asks for more than the budget' );
is_deeply( statuses( asker( budget( 9999, 1 ), question( 1, 'a.example' ) ), 1 ), { 1 => $found }, 'what is known costs no time' );
my @wrong = (
    [ 'nothing'                      => '' ],
    [ 'no kind that there is'        => "\x09" ],
    [ 'a budget cut short'           => substr budget( 5, 1000 ), 0, 7 ],
    [ 'a question before the budget' => question( 1, 'a.example' ) ],
    [ 'a second budget'              => budget( 1, 1000 ), budget( 500, 1000 ) ],
    [ 'a type that there is not'     => budget( 5, 1000 ), question( 1, 'a.example', 99 ) ],
    [ 'a name longer than its message' => budget( 5, 1000 ), pack( 'VCV', 1, 1, 4000000000 ) . 'a' ],
    [ 'noise'                        => map { join '', map { chr rand 256 } 1 .. 3000 } 1 .. 3 ],
);
is( statuses( asker( @{$_}[ 1 .. $#$_ ] ), 1 ), undef, "$_->[0]: cut off" ) for @wrong;
my @many = map { asker( budget( 5, 1000 ) ) } 1 .. 500;
is( answer('a.example')->{status}, 'found', 'many who say nothing hold nobody up' );
undef @many;
asker( budget( 100, 1000 ), join '', map { question( $_, "gone$_.example" ) } 1 .. 100 );
is( answer('a.example')->{status}, 'found', 'nor does one who goes before its answers come' );
is( $gateway->processes->{resolver}[0], $resolver, 'the same process serves on' );

# --- the name server dies ---

$dns->pause;
my $from = length $gateway->log_text;
my $begin = time;
my @results = map { send_from("127.0.1.$_") } 1 .. 8;
is( join( ' ', map { $_->{code} } @results ), join( ' ', (250) x 8 ), 'mail is taken without the DNS' );
ok( $gateway->wait_for_log( qr/resolver\[\d+\] error: the DNS does not answer/, $from, 10 ), 'the log tells' );
$begin = time;
send_from("127.0.2.$_") for 1 .. 5;
ok( time - $begin < 5, sprintf 'then nobody waits for it (%.2f s for 5 messages)', time - $begin );
my ($status) = $gateway->poterne_json('dns');
ok( $status->{away}, 'and `poterne dns` does' );
ok( wait_until( 20, sub { received('127.0.2.5') } ), 'and it is delivered' );
like( received('127.0.2.5'), qr/spf=temperror/, 'what is not known is a temporary error' );

$dns->resume;
ok( $gateway->wait_for_log( qr/the DNS answers again/, $from, 20 ), 'it comes back by itself' );
ok( wait_until( 10, sub { answer('a.example')->{status} eq 'found' } ), 'and is asked again' );

# --- the resolver dies ---

my ($old) = @{ $gateway->processes->{resolver} };
kill 'KILL', $old;
is( send_from('127.0.0.1')->{code}, 250, 'a resolver that dies costs no message' );
ok( wait_until( 20, sub { my ($now) = @{ $gateway->processes->{resolver} // [] }; $now && $now != $old } ), 'and is replaced' );
ok( wait_until( 20, sub { ( answer('a.example')->{status} // '' ) eq 'found' } ), 'another answers' );
ok( $gateway->reload, 'a reload' );
ok( wait_until( 20, sub { ( answer('a.example')->{status} // '' ) eq 'found' } ), 'brings one that answers' );

is( $gateway->stop, 0, 'the gateway ends well' );
$dns->stop;
done_testing();
