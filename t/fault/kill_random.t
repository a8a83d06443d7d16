#!/usr/bin/perl
# Random processes are killed at random moments while several senders send: edge, content, antivirus, delivery, journal,
# directory, learner, reports, resolver, signatures, poterned itself, and all of them at once; who is killed is started
# again by poterned, and poterned by us, at once. Afterwards each message that 250 was said to has come, whole: to the
# next hop, to a Maildir, out of quarantine, or back as one bounce. Nothing came twice but where the next hop's last
# answer was lost: the next hop (Poterne::Witness) knows of each copy whether the other side went on behind its 250. If
# it did, it had read it, and may not come again. What was not said 250 to may have come, once at the most, if it was
# not answered at all, and not if it was refused.
#
# ./check kills some; POTERNE_KILLS=10000 is the long form, which says how far it is. POTERNE_SEED=N chooses the same
# kills again: the same processes, with the same pauses between.
use strict;
use warnings;

use File::Temp qw(tempdir);
use List::Util qw(min sum0);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Crowd;
use Poterne::Dns;
use Poterne::Gateway;
use Poterne::Mail qw(eicar letter);
use Poterne::Process qw(stop_process wait_until);
use Poterne::Tree;
use Poterne::Witness qw(body_digest number_of);

plan skip_all => Poterne::Dns::missing() if Poterne::Dns::missing();

use constant { ROUND => 200, PAUSE_MAX => 0.25, SESSIONS => 6 };
my $kills = $ENV{POTERNE_KILLS} // ( $ENV{POTERNE_TEST_ALL} ? 1000 : 60 );
my $seed = $ENV{POTERNE_SEED} // int( time * 1000 ) % 1_000_000_000;
my $long = $kills > ROUND;
diag("POTERNE_SEED=$seed: $kills kills");

# --- whom, and when: chosen before the first, so that the seed alone decides ---

my %weight = (
    edge     => 20, delivery => 20, journal    => 12, content  => 12, antivirus => 8, directory => 8,
    resolver => 5,  learner  => 4,  signatures => 3,  reports  => 4,  poterned  => 2, everything => 2
);

sub any_role {
    my $at = rand sum0( values %weight );
    for my $role ( sort keys %weight ) {
        $at -= $weight{$role};
        return $role if $at < 0;
    }
    return 'edge';
}
srand $seed;
my @plan = map { { role => any_role(), pause => rand PAUSE_MAX, pick => rand } } 1 .. $kills;

# --- the gateway, its neighbours, and mail ---

my $root = tempdir( 'poterne-random-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{POTERNE_KEEP} );
chmod 0755, $root;
my $dns = Poterne::Dns->new( folder => "$root/dns", records => ['1.0.0.127.in-addr.arpa. PTR client.test.'] )->start;
my $witness = Poterne::Witness->start( root => "$root/witness" );
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        smtp      => { commands_limit => 1_000_000, scan_timeout => '15s' },
        antivirus => { timeout        => '5s' },
        content   => { timeout        => '5s' },
        queue     => { retry_first    => '1s', retry_max => '1s' },
        gate      => { inside         => '{ 127.0.0.0/8 }' },
        limits    => { shared         => '{ 127.0.0.0/8 }', freeze_bounces => 0 },
        limits_inside => Poterne::Gateway::no_limits_inside(),
        resolver  => $dns->settings,
    },
    domains => {
        'box.example'  => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => ['@box.example'] },
        'next.example' => { next_hop => "smtp://127.0.0.1:$witness->{port}", recipients => ['@next.example'] },
    }
)->start;

# Of 20 messages 13 go to the next hop, 4 to a Maildir, two are viruses, one is refused by the next hop and comes back.
sub mail {
    my ( $number, $n ) = @_;
    my $kind = $n % 20;
    my $to = $kind < 13 ? 'jean@next.example' : $kind < 17 ? 'jean@box.example' : $kind < 19 ? 'held@next.example' : 'never@next.example';
    my $body = join '', map { "$_ of number $number, " . rand() . "\n" } 1 .. 10 + rand 500;
    my $message = $to =~ /^held/ ? eicar($to) : letter( $to, "Number $number", $body );
    $message =~ s/^--b1--$/--b1\n\n$body--b1--/m;
    return ( 'anne@box.example', $to, \$message );
}

# --- kills ---

my %killed;

# As a supervisor of poterned does: again, until it runs. What is left of the one before has the port for a while.
sub start_again {
    my $started = wait_until( 90, sub { eval { $gateway->start } } );
    return $started || die "poterned does not start any more: $@";
}

# Any process of the role, a worker as well as who leads them.
sub kill_one {
    my ($step) = @_;
    my $role = $step->{role};
    if ( $role eq 'everything' ) {
        $gateway->crash;
        start_again();
    }
    elsif ( $role eq 'poterned' ) {
        my $pid = delete $gateway->{pid};
        kill 'KILL', $pid;
        stop_process( $pid, 'KILL', 10 );
        start_again();
    }
    else {
        my $pids;    # one that died just now comes back
        wait_until( 5, sub { $pids = $gateway->processes->{$role} } ) or return 0;
        kill( 'KILL', $pids->[ $step->{pick} * @$pids ] ) or return 0;
    }
    $killed{$role}++;
    return 1;
}

# --- what came ---

my %judged;    # how many of what, over all rounds

# { number => [ digests ] } of what lies in a Maildir, which is empty afterwards.
sub take_from_box {
    my ($user) = @_;
    my %came;
    for my $path ( glob "$root/mail/box.example/$user/new/*" ) {
        my $text = Poterne::Tree::slurp($path);
        push @{ $came{ number_of( \$text ) // '-' } }, { digest => body_digest( \$text ), heard => 1 };
        unlink $path;
    }
    return \%came;
}

sub release_all {
    return wait_until(
        60,
        sub {
            my @held = $gateway->spooled('quarantine') or return 1;
            $gateway->poterne( 'quarantine', 'release', '--force', '--no-scan', splice @held, 0, 500 );
            return !$gateway->spooled('quarantine');
        }
    );
}

# All serve, and nothing is left to do.
sub quiet {
    my $all = wait_until(
        90,
        sub {
            my $processes = $gateway->processes;
            return !grep { !$processes->{$_} && $_ !~ /poterned|everything/ } keys %weight;
        }
    );
    ok( $all,                                  'all processes are there again' );
    ok( $gateway->wait_for_empty_queue(120), 'the queue gets empty' );
    ok( release_all(),                         'what is held can be released' );
    ok( $gateway->wait_for_empty_queue(120), 'and is delivered' );
    return;
}

sub say_copy {
    my ($copy) = @_;
    return join ', ', map {"$_ $copy->{$_}"} grep { defined $copy->{$_} } qw(id came time heard);
}

# One came though it had come before, and the 250 to that was read.
sub comes_after_heard {
    my ( $number, @copies ) = @_;
    return 0 if !grep { $_->{heard} } @copies[ 0 .. $#copies - 1 ];
    diag( join "\n  ", "$number came twice:", map { say_copy($_) } @copies );
    return 1;
}

# What each message should have become, against what it has.
sub judge {
    my ( $said, $next, $box, $bounced ) = @_;
    my %bad = map { $_ => [] } qw(lost cut twice refused);
    for my $number ( keys %$said ) {
        my ( $code, $to, $digest ) = @{ $said->{$number} }{qw(code to digest)};
        my $came = $to =~ /^never/ ? $bounced : $to =~ /\@box/ ? $box : $next;
        my @copies = @{ $came->{$number} // [] };
        push @{ $bad{lost} }, $number if $code == 250 && !@copies;
        push @{ $bad{cut} }, $number if $to !~ /^never/ && grep { $_->{digest} ne $digest } @copies;
        push @{ $bad{refused} }, "$number ($code)" if @copies && $code != 250 && $code != 0;
        push @{ $bad{twice} }, $number if comes_after_heard( $number, @copies );
        pop @copies;
        $judged{unheard} += grep { !$_->{heard} } @copies;
        $judged{ $code == 250 ? 'taken' : $code == 0 ? 'unanswered' : 'refused' }++;
    }
    is( "@{ $bad{lost} }",    '', 'nothing is lost' );
    is( "@{ $bad{cut} }",     '', 'nothing is cut short' );
    is( "@{ $bad{twice} }",   '', 'nothing came twice whose 250 was read' );
    is( "@{ $bad{refused} }", '', 'what was refused did not come' );
    return;
}

my $begun = time;
my $done = 0;
for ( my $round = 1 ; @plan ; $round++ ) {
    my $crowd = Poterne::Crowd->start(
        port => $gateway->{port}, folder => "$root/said", sessions => SESSIONS, name => "r$round", pause => 0.02, make => \&mail
    );
    for my $step ( splice @plan, 0, min( ROUND, scalar @plan ) ) {
        sleep $step->{pause};
        kill_one($step) or $killed{'(nobody there)'}++;
        $done++;
    }
    my $said = $crowd->stop;
    quiet();
    judge( $said, $witness->kept, take_from_box('jean'), take_from_box('anne') );
    is( scalar( () = $gateway->spooled('corrupt') ), 0, 'nothing was set aside' );
    my $text = sprintf '%d of %d kills, %.0f s: %d taken, %d refused, %d unanswered; %d came again whose 250 nobody read',
        $done, $kills, time - $begun, map { $judged{$_} // 0 } qw(taken refused unanswered unheard);
    $long ? diag($text) : note($text);
    last if !Test::More->builder->is_passing;
}
my $kept = $witness->kept;
is( join( ' ', grep { comes_after_heard( $_, @{ $kept->{$_} } ) } grep { $_ ne '-' } sort keys %$kept ), '', 'nor has anything come twice in a later round' );
note( join ', ', map { "$_ $killed{$_}" } sort keys %killed );
cmp_ok( $judged{taken} // 0, '>', $kills / 2, 'mail went on' );
$gateway->crash;
$gateway->start;
is( scalar( () = $gateway->spooled('incoming') ), 0, 'what was half received is gone' );
my ( $sound, $audit ) = $gateway->poterne('audit');
is( $sound, 0, 'everything adds up' ) or diag($audit);
is( $gateway->stop, 0, "all ends well; seed $seed" );
$witness->stop;
$dns->stop;
if ( !Test::More->builder->is_passing ) {
    $File::Temp::KEEP_ALL = 1;
    diag("see $root: log, and witness/book");
}
done_testing();
