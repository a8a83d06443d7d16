#!/usr/bin/perl
# Deaths while the settings are read again: poterned is killed at each system call that it makes for a SIGHUP, and each
# process of the next generation at a call that it makes while it loads, starts and serves. Mail comes all the while.
# What 250 was said to is there afterwards, whole and once; where poterned lives, the generation before serves until
# the next one is there; where it dies it starts again. ./check takes some of the calls, POTERNE_TEST_ALL=1 each of
# poterned's, and of each kind of call of a generation the first ones and some of the later; POTERNE_ONLY=poterned or
# POTERNE_ONLY=generation: these alone.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);
use lib 't/lib';
use Poterne::Crowd;
use Poterne::Gateway;
use Poterne::Inject qw(calls_during kill_at threads);
use Poterne::Mail qw(letter);
use Poterne::Process qw(alive stop_process wait_until);
use Poterne::Tree qw(slurp);
use Poterne::Witness qw(body_digest number_of);

plan skip_all => Poterne::Inject::missing() if Poterne::Inject::missing();

my $all = $ENV{POTERNE_TEST_ALL};
my $only = $ENV{POTERNE_ONLY} // '';
use constant { FEW => 2, FIRST => 3, READY => 60 };

my $root = tempdir( 'poterne-reload-XXXXXX', TMPDIR => 1, CLEANUP => !$ENV{POTERNE_KEEP} );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        smtp  => { commands_limit => 1_000_000, messages_limit => 1_000_000, scan_timeout => '10s' },
        antivirus => { timeout => '5s' },
        content   => { timeout => '5s' },
        queue => { retry_first    => '1s', retry_max => '1s' },
    },
    domains => { 'box.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => ['@box.example'] } }
)->start;

sub mail {
    my ($number) = @_;
    my $body = join '', map { "$_ of number $number, " . rand() . "\n" } 1 .. 10 + rand 200;
    return ( 'a@remote.example', 'jean@box.example', \letter( 'jean@box.example', "Number $number", $body ) );
}

# --- one reload ---

sub all_ready {
    my ($from) = @_;
    return substr( $gateway->log_text, $from ) =~ /reload: new settings.*ready: every process/s;
}

# SIGHUP, until the next generation serves, or poterned is dead, or the time is over.
sub reload {
    my ($seconds) = @_;
    my $from = length $gateway->log_text;
    kill 'HUP', $gateway->{pid};
    wait_until( $seconds, sub { all_ready($from) || !alive( $gateway->{pid} ) } );
    return;
}

# Mail while something is done, which ends with a gateway that serves.
my $times = 0;
my %said;

sub with_mail {
    my ($work) = @_;
    my $crowd = Poterne::Crowd->start( port => $gateway->{port}, folder => "$root/said", sessions => 2, name => 'r' . ++$times, pause => 0.02, make => \&mail );
    $work->();
    my $answers = $crowd->stop;
    @said{ keys %$answers } = values %$answers;
    return;
}

# What poterned said, and in which state everybody is.
sub story {
    my ($from) = @_;
    my @said = grep { /poterned\[/ } split /^/, substr $gateway->log_text, $from;
    my $processes = $gateway->processes;
    return @said, map {
        my $role = $_;
        map { "$role $_ " . ( eval { slurp("/proc/$_/stat") =~ /\) (\S)/ ? $1 : '' } // 'gone' ) . "\n" } @{ $processes->{$role} }
    } sort keys %$processes;
}

# All serve, with a new poterned where there is none any more. True: it had died.
sub mended {
    my ($from) = @_;
    if ( alive( $gateway->{pid} ) ) {
        # what failed to start is tried again; signatures whose loader died only after a quarter of an hour, or when asked
        my $asked;
        my $again = sub {
            $asked //= kill 'HUP', $gateway->{pid} if substr( $gateway->log_text, $from ) =~ /the old ones serve on/;
            # a tracer that goes while a child is born may leave it stopped
            kill 'CONT', map { @$_ } values %{ $gateway->processes };
            return;
        };
        wait_until( READY, sub { $again->(); all_ready($from) } ) || die "the next generation does not serve:\n", story($from);
        return 0;
    }
    stop_process( delete $gateway->{pid}, 'KILL', 5 );
    wait_until( 90, sub { eval { $gateway->start } } ) || die "poterned does not start again: $@";
    return 1;
}

# Each of the points once; how many of them were deaths, of poterned and of others.
sub at_points {
    my ( $what, $points, @options ) = @_;
    my ( $begun, $told, $done, $supervisor, $others ) = ( time, time, 0, 0, 0 );
    for my $point (@$points) {
        my ( $name, $nth ) = @$point;
        my ( $from, $began ) = ( length $gateway->log_text, time );
        with_mail(
            sub {
                kill_at( [ threads( $gateway->{pid} ) ], $name, $nth, sub { reload( @options ? 4 : READY ) }, @options );
                $supervisor++ if mended($from);
            }
        );
        $others++ if substr( $gateway->log_text, $from ) =~ /\] died: Killed/;
        $done++;
        note( sprintf '%s %s %d: %.1f s', $what, @$point, time - $began );
        if ( time - $told > 30 ) {
            diag( sprintf '%s: %d of %d calls, %.0f s', $what, $done, scalar @$points, time - $begun );
            $told = time;
        }
    }
    note( sprintf '%s: %d calls, %d deaths of poterned, %d of others, %.0f s', $what, $done, $supervisor, $others, time - $begun );
    return ( $supervisor, $others );
}

sub some {
    my (@points) = @_;
    return @points if $all || @points <= FEW;
    return @points[ map { int( ( $_ + 0.5 ) * @points / FEW ) } 0 .. FEW - 1 ];
}

# Of each call the first ones, then ever fewer.
sub thinned {
    my ( $name, $most ) = @{ $_[0] };
    my @nth = grep { $_ <= FIRST || ( $_ & ( $_ - 1 ) ) == 0 || $_ == $most } 1 .. $most;
    return map { [ $name, $_ ] } @nth;
}

# --- poterned; the next generation ---

if ( 'poterned' =~ /$only/ ) {
    my @calls = calls_during( [ $gateway->{pid} ], sub { reload(READY) } );
    my @points = map { my ( $name, $most ) = @$_; map { [ $name, $_ ] } 1 .. $most } @calls;
    my ($deaths) = at_points( sprintf( 'poterned, of %d calls', scalar @points ), [ some(@points) ] );
    cmp_ok( $deaths, '>', 0, "poterned died $deaths times, and started again" );
}

if ( 'generation' =~ /$only/ ) {
    my @points = map { thinned($_) } calls_during( [ $gateway->{pid} ], sub { reload(READY) }, '-f' );
    my @each = grep { $_->[0] eq 'execve' } @points;    # whatever the others meet
    my ( undef, $others ) = at_points( sprintf( 'the next generation, of %d calls', scalar @points ), [ @each, some( grep { $_->[0] ne 'execve' } @points ) ], '-f' );
    cmp_ok( $others, '>', 0, "processes of the next generation died $others times" );
}

# --- mail ---

ok( $gateway->wait_for_empty_queue(60), 'the queue gets empty' );
my %came;
for my $path ( glob "$root/mail/box.example/jean/new/*" ) {
    my $text = slurp($path);
    push @{ $came{ number_of( \$text ) } }, body_digest( \$text );
}
my @taken = grep { $said{$_}{code} == 250 } keys %said;
my @odd = grep { $said{$_}{code} !~ /^(?:250|4\d\d|0)$/ } keys %said;
my @lost = grep { !$came{$_} } @taken;
my @cut = grep { my $n = $_; grep { $_ ne $said{$n}{digest} } @{ $came{$n} } } keys %came;
my @twice = grep { @{ $came{$_} } > 1 } keys %came;
cmp_ok( scalar @taken, '>', 20, scalar(@taken) . ' of ' . keys(%said) . ' messages were taken' );
is( "@odd",   '', 'who was not heard 4xx, or nothing' );
is( "@lost",  '', 'nothing is lost' );
is( "@cut",   '', 'nothing is cut short' );
is( "@twice", '', 'nothing came twice' );
my ( $sound, $audit ) = $gateway->poterne('audit');
is( $sound, 0, 'everything adds up' ) or diag($audit);
is( $gateway->stop, 0, 'all ends well' );
done_testing();
