#!/usr/bin/perl
# A process is killed at each system call that it makes for a message: while it is received and committed, held,
# released, delivered, bounced, and noted. Whatever was said 250 to has its one outcome afterwards: nothing is lost, cut
# short or there twice, but where a next hop's last answer was lost. Each call is one try, with a process that is fresh
# as after a start; where other work of its has gone past that call, the try is none. ./check takes some of them,
# POTERNE_TEST_ALL=1 all, POTERNE_ONLY=bouncing those of scenarios with such a name.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Inject qw(calls_during kill_at threads);
use Poterne::Mail qw(eicar);
use Poterne::Process qw(wait_until);
use Poterne::Sink;

plan skip_all => Poterne::Inject::missing() if Poterne::Inject::missing();

my $all = $ENV{POTERNE_TEST_ALL};
my $only = $ENV{POTERNE_ONLY} // '';
use constant { STRIDE => 12, LINES => 125 };

my $root = tempdir( 'poterne-calls-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $sink = Poterne::Sink->start( root => "$root/sink", smtp => 1 );
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        smtp  => { commit_threads => 1, commands_limit => 100_000 },
        queue => { retry_first    => '1s', retry_max => '1s' },
        gate  => { inside         => '{ 127.0.0.0/8 }' },
        limits => { shared        => '{ 127.0.0.0/8 }' },
        limits_inside => Poterne::Gateway::no_limits_inside(),
        bayes  => { campaign_share => 0 },
    },
    domains => {
        'box.example'  => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => ['@box.example'] },
        'sink.example' => { next_hop => "smtp://127.0.0.1:$sink->{port}", recipients => ['@sink.example'] },
    }
)->start;
my $sequence = 0;

# --- one try ---

# A message that can be known again, and whose end says that it is whole.
sub message {
    my ( $to, $virus ) = @_;
    my $number = ++$sequence;
    my ( $header, $parts ) = split /\n\n/, eicar($to), 2;
    my $text = join '', map { sprintf "%6d a line of number %d, as long as others\n", $_, $number } 1 .. LINES;
    $text .= $virus ? "$parts--b1\n\n" =~ s/^--b1--\n//mr : "--b1\n\n";
    return ( $number, \"$header\nX-Sequence: <$number>\n\n--b1\n\n${text}end of number $number\n" );
}

my %said;     # number => answer's code, of every message that was sent
my %died_at;  # number => "call nth", of those of a try that was a death

sub send_message {
    my ( $to, $virus ) = @_;
    my ( $number, $text ) = message( $to, $virus );
    my $result = eval { $gateway->send_one( from => 'anne@box.example', to => [$to], data => $text ) } // { code => 0, text => $@ };
    $said{$number} = $result->{code};
    return $result;
}

sub pid_of {
    my ($role) = @_;
    my $pids = $gateway->processes->{$role} // [];
    return $pids->[0];
}

# How often all have been there.
sub times_ready {
    return scalar( () = $gateway->log_text =~ /ready: every process/g );
}

# The role's process is another one than `old`, and all serve for the nth time at least.
sub is_back {
    my ( $role, $old, $times ) = @_;
    return wait_until( 60, sub { my $pid = pid_of($role); $pid && $pid != $old && times_ready() >= $times } ) || die "$role does not come back\n";
}

# The role's process is fresh, and all serve.
sub renew {
    my ($role) = @_;
    my $pid = wait_until( 60, sub { pid_of($role) } ) || die "there is no $role\n";
    my $times = times_ready();
    kill 'KILL', $pid;
    return is_back( $role, $pid, $times + 1 );
}

# The main thread, and all others: each call of the one is a try, and of these.
sub groups_of {
    my ($role) = @_;
    my ( $main, @others ) = threads( pid_of($role) );
    return ( [$main], @others ? \@others : () );
}

# Each call that the role makes while `act` runs, which is called with a fresh process: how many tries there were, in
# how many the process died, and of how many calls.
sub at_each_call {
    my ( $role, $act ) = @_;
    my ( @points, $died );
    for my $group ( 0 .. 1 ) {
        renew($role);
        my $tids = ( groups_of($role) )[$group] // last;
        for my $call ( calls_during( $tids, $act ) ) {
            my ( $name, $times ) = @$call;
            push @points, map { [ $group, $name, $_ ] } 1 .. $times;
        }
    }
    die "$role makes no system call\n" if !@points;
    my @chosen = $all ? @points : @points[ map { $_ * STRIDE } 0 .. $#points / STRIDE ];
    for my $point (@chosen) {
        my ( $group, $name, $nth ) = @$point;
        renew($role);
        my ( $pid, $times ) = ( pid_of($role), times_ready() );
        my $tids = ( groups_of($role) )[$group] // next;
        my $before = $sequence;
        kill_at( $tids, $name, $nth, $act );
        next if ( pid_of($role) // 0 ) == $pid;
        $died_at{$_} = "$role " . ( $group ? 'thread' : 'main' ) . " $name $nth" for $before + 1 .. $sequence;
        $died++;
        is_back( $role, $pid, $times + 1 );
    }
    return ( scalar @chosen, $died // 0, scalar @points );
}

# --- what holds afterwards ---

# { number => [texts] } of what lies in a Maildir.
sub delivered_to {
    my (@texts) = @_;
    my %found;
    for my $text (@texts) {
        my ($number) = $text =~ /^X-Sequence: <(\d+)>/m or next;
        push @{ $found{$number} }, $text;
    }
    return \%found;
}

sub whole {
    my ( $number, $text ) = @_;
    my $lines = () = $text =~ /^ *\d+ a line of number $number, as long as others\r?$/mg;
    return $lines == LINES && $text =~ /^end of number $number\r?\n\z/m;
}

# Of the messages of a scenario: each that 250 was said to is in `found`, whole and once.
sub judge {
    my ( $what, $numbers, $found, %allow ) = @_;
    my @taken = grep { $said{$_} == 250 } @$numbers;
    my @odd = grep { $said{$_} !~ /^(?:250|4\d\d|0)$/ } @$numbers;
    my @lost = grep { !$found->{$_} } @taken;
    my @cut = grep { my $n = $_; grep { !whole( $n, $_ ) } @{ $found->{$n} // [] } } @$numbers;
    my @twice = grep { @{ $found->{$_} // [] } > 1 } @$numbers;
    my $points = sub { diag( map { "number $_: " . ( $died_at{$_} // 'no death' ) . "\n" } @_ ) };
    cmp_ok( scalar @taken, '>', 0, "$what: some were taken" );
    is( "@odd",  '', "$what: who was not heard 4xx, or nothing" ) || $points->(@odd);
    is( "@lost", '', "$what: nothing is lost" ) || $points->(@lost);
    $allow{cut} or is( "@cut", '', "$what: nothing is cut short" ) || $points->(@cut);
    $allow{twice} or is( "@twice", '', "$what: nothing is there twice" ) || $points->(@twice);
    note( sprintf '%s: %d of %d taken, %d twice', $what, scalar @taken, scalar @$numbers, scalar @twice );
    return;
}

# A scenario: its tries, then what came of the messages of them.
sub scenario {
    my ( $what, $role, $act, $found, %allow ) = @_;
    return if $what !~ /(?:$only)/;
    my $first = $sequence;
    my $begun = time;
    my ( $tries, $died, $points ) = at_each_call( $role, $act );
    cmp_ok( $died, '>', 0, "$what: $died of $tries tries were deaths, of $points calls" );
    ok( $gateway->wait_for_empty_queue(90), "$what: the queue gets empty" );
    judge( $what, [ $first + 1 .. $sequence ], $found->(), %allow );
    renew('edge'); # which removes what nobody will go on with
    is( scalar( () = $gateway->spooled('incoming') ), 0, "$what: nothing half received is left" );
    note( sprintf '%s: %.0f s', $what, time - $begun );
    return;
}

# --- received and committed; delivered; bounced ---

my $settle = sub { $gateway->wait_for_empty_queue(3) };
my $in_box = sub {
    my ($address) = @_;
    return sub { delivered_to( $gateway->maildir_messages($address) ) };
};
scenario( 'edge, receiving', 'edge', sub { send_message('accept@box.example') }, $in_box->('accept@box.example') );
scenario( 'delivery, to a Maildir', 'delivery', sub { send_message('file@box.example'); $settle->() }, $in_box->('file@box.example') );
scenario(
    'delivery, over SMTP', 'delivery',
    sub { send_message('ok@sink.example'); $settle->() },
    sub { delivered_to( $sink->messages('ok@sink.example') ) },
    twice => 1
);

scenario(
    'delivery, bouncing', 'delivery',
    sub { send_message('never@sink.example'); $settle->() },
    sub { delivered_to( grep { /^Content-Type: multipart\/report/mi } $gateway->maildir_messages('anne@box.example') ) },
    cut => 1
);

# --- held and released ---

# Those of the quarantine, whoever they are, until none is left.
sub release_all {
    my ($seconds) = @_;
    return wait_until(
        $seconds,
        sub {
            my @held = $gateway->spooled('quarantine') or return 1;
            $gateway->poterne( 'quarantine', 'release', '--force', '--no-scan', @held );
            return !$gateway->spooled('quarantine');
        }
    );
}
scenario( 'edge, holding', 'edge', sub { send_message( 'held@box.example', 'virus' ) }, sub { release_all(60); $settle->(); $in_box->('held@box.example')->() } );
scenario(
    'delivery, releasing', 'delivery',
    sub { send_message( 'free@box.example', 'virus' ); release_all(3) },
    sub { release_all(60); $settle->(); $in_box->('free@box.example')->() }
);

# --- noted ---

my @noted = ( $sequence + 1 );
scenario( 'journal', 'journal', sub { send_message('noted@box.example'); $settle->() }, $in_box->('noted@box.example') );
push @noted, $sequence;
my %state;
$state{ $_->{message_id} } = $_->{recipients}[0]{state} for grep { $_->{id} } $gateway->poterne_json( 'trace', '--limit', 10_000, 'noted@box.example' );
is( scalar( grep { $_ eq 'delivered' } values %state ), scalar( grep { $said{$_} == 250 } $noted[0] .. $noted[1] ), 'journal: it knows the outcome of each' );

# --- learned ---

my @lessons;
my $from = length $gateway->log_text;
my ( $tries, $died, $points ) = at_each_call(
    learner => sub {
        my ( undef, $text ) = message('lesson@box.example');
        push @lessons, "$root/lesson" . @lessons;
        Poterne::Gateway::write_file( $lessons[-1], $$text );
        $gateway->poterne( 'learn', '--ham', $lessons[-1] );
    }
);
cmp_ok( $died, '>', 0, "learner: $died of $tries tries were deaths, of $points calls" );
my ($learned) = $gateway->poterne_json( 'learn', '--ham', @lessons );
is( $learned->{done} + $learned->{known}, scalar @lessons, 'each is learned, now or then' );
my ($again) = $gateway->poterne_json( 'learn', '--ham', @lessons );
is( $again->{known}, scalar @lessons, 'and known' );
is( $again->{total}{ham} + $again->{held}, scalar @lessons, '… once, learned or held out' );
is( $again->{total}{spam}, 0, '… as what it is' );

is( $gateway->stop, 0, 'all ends well' );
done_testing();
