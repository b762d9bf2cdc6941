using DemoModelTrainer;

return TrainerCommand.Run(args);
