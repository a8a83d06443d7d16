#!/usr/bin/perl
# Next hops of which each does one thing wrong at one step: what waits says why in words, and within the
# time that the settings give; once a server behaves, its message is there, and there once, but where the
# answer to it was lost. All of them at the same time, so that none holds up another.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Faulty;
use Poterne::Gateway;
use Poterne::Process qw(command_output wait_until);

use constant { REPLY_SECONDS => 2, PATIENCE => 60 };

my $root = tempdir( 'poterne-faults-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $build = $ENV{POTERNE_BUILD} // 'build';

my $closed = qr/closed the connection|connection lost|cannot connect/;
my $slow = qr/timed out/;
my $none = qr/no SMTP reply/;
my @steps = qw(greeting hello mail rcpt data final);

# at, does, why it waits (undef: it does not)
my @cases = (
    ( map { [ $_, 'stall',    $slow ] } @steps ),
    ( map { [ $_, 'close',    $closed ] } @steps, 'body' ),
    ( map { [ $_, 'nonsense', $none ] } @steps ),
    ( map { [ $_, 'drip',     qr/timed out|line that is too long/ ] } qw(greeting hello mail final) ),
    ( map { [ $_, 'endless',  qr/too long|too many|timed out|no SMTP reply/ ] } @steps ),
    [ 'greeting', '554 5.3.2 No service here',       qr/554 5\.3\.2 No service here/ ],
    [ 'greeting', '421 4.3.2 Too many connections',  qr/421 4\.3\.2 Too many connections/ ],
    [ 'hello',    '550 5.7.1 Who are you',           undef ], # HELO is tried then
    [ 'mail',     '421 4.7.0 Try again later',       qr/421 4\.7\.0 Try again later/ ],
    [ 'mail',     '450 4.7.1 Too many messages',     qr/450 4\.7\.1 Too many messages/ ],
    [ 'rcpt',     '451 4.7.1 Greylisted',            qr/451 4\.7\.1 Greylisted/ ],
    [ 'data',     '250 2.0.0 Thank you',             qr/answered DATA with.*250/ ],
    [ 'final',    '354 Go on',                       qr/354/ ],
    [ 'final',    '452 4.3.1 Disk full',             qr/452 4\.3\.1 Disk full/ ],
    [ 'greeting', 'early',                           qr/./ ],
    [ 'final',    'lost',                            $closed, 'twice' ],
    [ 'starttls', 'stall',                           undef ],
    [ 'starttls', 'close',                           undef ],
    [ 'starttls', 'nonsense',                        undef ],
    [ 'starttls', '501 5.5.4 No',                    undef ],
    ( map { [ 'quit', $_, undef ] } qw(stall close nonsense endless) ),
);

my ( @hops, %domains );
for my $n ( 0 .. $#cases ) {
    my ( $at, $does, $why, $twice ) = @{ $cases[$n] };
    my $hop = { why => $why, twice => $twice, what => "$does at $at", address => "jean\@h$n.example" };
    $hop->{server} = Poterne::Faulty->start( root => "$root/h$n", at => $at, does => $does, starttls => $at eq 'starttls' );
    $domains{"h$n.example"} = { next_hop => "smtp://127.0.0.1:$hop->{server}{port}", recipients => [ $hop->{address} ] };
    push @hops, $hop;
}

my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        antivirus => { engines => '{ }' },
        queue     => { retry_first => '1s', retry_max => '2s', reply_timeout => REPLY_SECONDS . 's', connect_timeout => '2s' },
    },
    domains => \%domains
)->start;

for my $hop (@hops) {
    my ( $status, $id ) = command_output( "$build/t/delivery/put", "$root/gateway/state", 'sender@shop.example', 'a test', $hop->{address} );
    die "put: $id" if $status;
    $hop->{id} = $id =~ s/\s+\z//r;
}

sub outcomes {
    my ($hop) = @_;
    my ($message) = $gateway->poterne_json( 'trace', $hop->{id} );
    return @{ ( $message->{recipients} // [] )->[0]{outcomes} // [] };
}

# As the log has it.
sub reasons {
    my ($hop) = @_;
    return $gateway->log_text =~ /\Q$hop->{id}\E to <[^>]*> by .*?: deferred, (.*)/g;
}

sub waits_because {
    my ($hop) = @_;
    return wait_until( PATIENCE, sub { grep { $_ =~ $hop->{why} } reasons($hop) } );
}

for my $hop ( grep { $_->{why} } @hops ) {
    ok( waits_because($hop), "$hop->{what}: it waits, and says why" )
        or diag( join "\n", reasons($hop) );
    is( scalar $hop->{server}->taken, 0, '… and went nowhere' ) if !$hop->{twice};
}
my %queued = map { $_ => 1 } $gateway->spooled('queue');
is( join( ' ', map { $_->{what} } grep { $_->{why} && !$queued{ $_->{id} } } @hops ), '', 'all of them are in the queue' );

$_->{server}->heal for @hops;
$gateway->poterne( 'queue', 'flush' );
for my $hop (@hops) {
    ok( wait_until( PATIENCE, sub { $hop->{server}->taken } ), "$hop->{what}: it is there" )
        or diag( join "\n", reasons($hop) );
}
ok( $gateway->wait_for_empty_queue(PATIENCE), 'nothing is left' );
for my $hop (@hops) {
    my $n = $hop->{server}->taken;
    ok( $hop->{twice} ? $n >= 1 : $n == 1, "$hop->{what}: " . ( $hop->{twice} ? 'again, since the answer was lost' : 'once' ) ) or diag("$n times");
}
for my $hop ( ( grep { $_->{why} } @hops )[ 0, -1 ] ) {
    my @states = map { $_->{state} } outcomes($hop);
    is( $states[-1], 'delivered', "$hop->{what}: so says the journal" );
    ok( ( grep { $_ eq 'deferred' } @states ), '… and that it waited' );
}

is( $gateway->stop, 0, 'the gateway ends as it should' );
$_->{server}->stop for @hops;
done_testing();
